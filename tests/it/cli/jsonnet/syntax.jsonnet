{
  password: 'hunter2' 'hunter2',
}
