namespace FleetMdm.Storage.Secrets;

/// <summary>Section <c>Secrets</c>: where the master key comes from. At most one of the two is set.</summary>
public sealed class SecretsOptions
{
    public const string Section = "Secrets";

    /// <summary>32 bytes in Base64, as <c>openssl rand -base64 32</c> makes them; meant for the environment.</summary>
    public string? MasterKey { get; set; }

    /// <summary>A file that holds the same. On SQLite it may be left out: <c>master.key</c> in the data directory, made at first start,
    /// readable by its owner only.</summary>
    public string? MasterKeyFile { get; set; }

    /// <summary>A sentence on what is wrong, or null.</summary>
    internal string? FindFault() => MasterKey is not null && MasterKeyFile is not null
        ? "Only one of Secrets:MasterKey and Secrets:MasterKeyFile may be set."
        : null;
}
