// Two identities: one reads and writes everything the retrainer owns, the other may pull images and nothing else.
param location string
param tags object
param token string

resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-retrain-${token}'
  location: location
  tags: tags
}

// The only one that a container with a public address is given.
resource pull 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: 'id-pull-${token}'
  location: location
  tags: tags
}

output appName string = app.name
output appClientId string = app.properties.clientId
output appPrincipalId string = app.properties.principalId
output pullName string = pull.name
output pullId string = pull.id
output pullPrincipalId string = pull.properties.principalId
