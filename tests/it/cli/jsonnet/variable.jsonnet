{
  image: std.extVar('TAG'),
}
