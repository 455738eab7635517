(import 'lib/service.libsonnet').broken
