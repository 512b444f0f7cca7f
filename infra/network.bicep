// A virtual network with a subnet for each kind of guest; used with `privateNetwork` only.
param location string
param tags object
param token string

var subnets = [
  { name: 'app', prefix: '10.20.0.0/24', delegation: 'Microsoft.App/environments' }
  { name: 'services', prefix: '10.20.1.0/24', delegation: 'Microsoft.ContainerInstance/containerGroups' }
  { name: 'jobs', prefix: '10.20.2.0/24', delegation: '' }
  { name: 'endpoints', prefix: '10.20.3.0/24', delegation: '' }
  { name: 'apps', prefix: '10.20.4.0/24', delegation: 'Microsoft.App/environments' }
]

resource network 'Microsoft.Network/virtualNetworks@2024-07-01' = {
  name: 'vnet-${token}'
  location: location
  tags: tags
  properties: {
    addressSpace: { addressPrefixes: ['10.20.0.0/16'] }
    subnets: [
      for subnet in subnets: {
        name: subnet.name
        properties: {
          addressPrefix: subnet.prefix
          privateEndpointNetworkPolicies: 'Disabled'
          delegations: empty(subnet.delegation)
            ? []
            : [{ name: 'guest', properties: { serviceName: subnet.delegation } }]
        }
      }
    ]
  }
}

output id string = network.id
output name string = network.name
output appSubnetId string = '${network.id}/subnets/app'
output servicesSubnetId string = '${network.id}/subnets/services'
output appsSubnetId string = '${network.id}/subnets/apps'
output jobsSubnetId string = '${network.id}/subnets/jobs'
