namespace FleetMdm.Api.Apps;

/// <summary>Section <c>Apps</c>: in-house apps that iPads install from this server.</summary>
public sealed class AppsOptions
{
    public const string Section = "Apps";

    private const int Most = 4096;

    /// <summary>The largest app, in MiB; 1 to 4096. Apps are kept in the database.</summary>
    public int MaxMegabytes { get; set; } = 1024;

    /// <summary>A sentence on what is wrong, or null.</summary>
    internal string? FindFault() => MaxMegabytes is < 1 or > Most ? $"Apps:MaxMegabytes must be 1 to {Most}, but is {MaxMegabytes}." : null;
}
