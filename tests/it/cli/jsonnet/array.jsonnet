local lib = import 'lib/service.libsonnet';
[
  lib.task('one', 'nginx'),
  lib.task('two', 'nginx') { spec+: { memroy: '512' } },
]
