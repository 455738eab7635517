{
  task(name, image):: {
    apiVersion: 'evenkeel.dev/v1alpha1',
    kind: 'TaskDefinition',
    metadata: { name: name },
    spec: {
      containerDefinitions: [{ name: name, image: image, memory: 64 }],
    },
  },
  broken:: {
    environment: [{ name: 'KEY', value: 'hunter2' }],
    wrong: self.missing,
  },
}
