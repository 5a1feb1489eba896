namespace FleetMdm.Api.SelfService;

/// <summary>Section <c>SelfService</c>: what people may do for themselves, at <c>/my</c>.</summary>
public sealed class SelfServiceOptions
{
    public const string Section = "SelfService";

    private const int MostADay = 1_000;

    /// <summary>The address by which people's browsers reach <c>/my</c>, as in <c>https://mdm.district.example:8443</c>: iPads in Setup Assistant open a page of it where somebody is to sign
    /// in first. Null: enrolment profiles cannot ask for that.</summary>
    public string? PublicUrl { get; set; }

    /// <summary>People of the district sign in by its provider for themselves, without a role. And accounts are linked to people by themselves.</summary>
    public bool Enabled { get; set; }

    /// <summary>They enrol an iPad that they have in their hands.</summary>
    public bool Enrolment { get; set; }

    /// <summary>How many invitations one person may have in 24 hours; 1 to 1000.</summary>
    public int InvitationsADay { get; set; } = 3;

    /// <summary>They start lost mode on a supervised iPad that they have lost, and end it when they have found it.</summary>
    public bool LostMode { get; set; }

    /// <summary>They see where it is, while it is in lost mode.</summary>
    public bool Location { get; set; }

    /// <summary>A page below <see cref="PublicUrl"/>; null without it.</summary>
    internal Uri? PageAt(string path) => PublicUrl is null ? null : new Uri(new Uri(PublicUrl), path);

    /// <summary>A sentence on what is wrong, or null.</summary>
    internal string? FindFault() =>
        InvitationsADay is < 1 or > MostADay ? $"SelfService:InvitationsADay must be 1 to {MostADay}, but is {InvitationsADay}."
        : Location && !LostMode ? "SelfService:Location needs SelfService:LostMode: an iPad says where it is in lost mode only."
        : PublicUrl is not null
            && (!Uri.TryCreate(PublicUrl, UriKind.Absolute, out var uri) || uri.Scheme != Uri.UriSchemeHttps || uri.AbsolutePath != "/" || uri.Query.Length > 0 || uri.UserInfo.Length > 0)
            ? $"SelfService:PublicUrl must be an https URL without a path, as in https://mdm.district.example:8443, but is \"{PublicUrl}\"."
        : null;
}
