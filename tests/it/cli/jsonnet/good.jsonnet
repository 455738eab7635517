(import 'lib/service.libsonnet').task('good', 'nginx')
