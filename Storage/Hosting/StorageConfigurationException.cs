namespace FleetMdm.Storage.Hosting;

/// <summary>The store cannot be used as it is configured. The message is one sentence for the one who configures.</summary>
public sealed class StorageConfigurationException(string message, Exception? inner = null) : Exception(message, inner);
