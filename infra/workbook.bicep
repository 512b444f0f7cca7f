// What an operator looks at: runs, losses, the queue, the services, and the trace of one run.
param location string
param tags object
param insightsId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(insightsId, 'retrain')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Retrain'
    category: 'workbook'
    version: 'Notebook/1.0'
    sourceId: insightsId
    serializedData: replace(loadTextContent('workbook.json'), 'INSIGHTS-ID', insightsId)
  }
}
