"""The ports on Azure: Blob Storage, Container Registry, Container Instances, Azure ML."""
