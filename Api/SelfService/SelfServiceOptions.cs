namespace FleetMdm.Api.SelfService;

/// <summary>Section <c>SelfService</c>: what people may do for themselves, at <c>/my</c>.</summary>
public sealed class SelfServiceOptions
{
    public const string Section = "SelfService";

    private const int MostADay = 1_000;

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

    /// <summary>A sentence on what is wrong, or null.</summary>
    internal string? FindFault() =>
        InvitationsADay is < 1 or > MostADay ? $"SelfService:InvitationsADay must be 1 to {MostADay}, but is {InvitationsADay}."
        : Location && !LostMode ? "SelfService:Location needs SelfService:LostMode: an iPad says where it is in lost mode only."
        : null;
}
