namespace FleetMdm.Api.LostMode;

/// <summary>Section <c>LostMode</c>: iPads that are lost.</summary>
public sealed class LostModeOptions
{
    public const string Section = "LostMode";

    private const int Longest = 500;

    /// <summary>A map that shows where an iPad is, with <c>{latitude}</c> and <c>{longitude}</c>. The page has a link to it; nothing is loaded before somebody presses it. Empty: no link.</summary>
    public string MapUrl { get; set; } = "https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}#map=17/{latitude}/{longitude}";

    /// <summary>A sentence on what is wrong, or null.</summary>
    internal string? FindFault() => MapUrl.Length == 0
        || (MapUrl.Length <= Longest && Uri.TryCreate(MapUrl.Replace("{latitude}", "1", StringComparison.Ordinal).Replace("{longitude}", "1", StringComparison.Ordinal), UriKind.Absolute, out var address)
            && address.Scheme == Uri.UriSchemeHttps && MapUrl.Contains("{latitude}", StringComparison.Ordinal) && MapUrl.Contains("{longitude}", StringComparison.Ordinal))
        ? null
        : $"LostMode:MapUrl must be an https address of at most {Longest} characters with {{latitude}} and {{longitude}} in it, or empty.";
}
