using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.CheckIn;

/// <summary>Why a message of an iPad was not taken, as the log and the metric name it.</summary>
public static class RefusalReason
{
    public const string TooLarge = "too-large";
    public const string TooSlow = "too-slow";
    public const string BadMessage = "bad-message";
    public const string Full = "full";
    public const string Unavailable = "unavailable";
}

/// <summary>
/// The one table of refusals to iPads. There is no 401 in it and there must never be one: an iPad answers 401 by removing its
/// management profile, and only a person with the iPad in hand can bring it back.
/// </summary>
public static class DeviceRefusals
{
    /// <param name="Status">What the iPad is answered.</param>
    /// <param name="Reason">Stable name for metrics and logs.</param>
    /// <param name="Detail">For the problem body and the log.</param>
    public sealed record Answer(int Status, string Reason, string Detail);

    public static Answer For(DeviceRefusal refusal) => refusal switch
    {
        // 403: the iPad keeps its profile and its report, and tries again later.
        DeviceRefusal.NotPinned => new(403, "not-pinned", "The certificate is not the one that this enrolment is pinned to."),
        DeviceRefusal.PinnedElsewhere => new(403, "pinned-elsewhere", "The certificate is pinned to another iPad."),

        // 403, all of Authenticate: the profile is not installed, and the person at the iPad is told.
        DeviceRefusal.Claimed => new(403, "claimed",
            "An iPad with this UDID is enrolled already, with another certificate. An administrator can allow this one: in the console, on the iPad's page. Then install the profile again."),
        DeviceRefusal.InvitationWithdrawn => new(403, "invitation-withdrawn", "The invitation was withdrawn. Ask for a new one."),
        DeviceRefusal.InvitationForAnother => new(403, "invitation-for-another", "The invitation is for another iPad. Ask for one for this iPad."),
        DeviceRefusal.ProvenAnother => new(403, "proven-another", "The certificate was issued to another iPad, which had proved who it is. Use the invitation again."),
        DeviceRefusal.OnlyWherePinned => new(403, "only-where-pinned",
            "A certificate of this CA enrols no iPad now (Mdm:TrustedIdentityCasEnrolUntil). Use an invitation."),
        DeviceRefusal.CertificateExpired => new(403, "certificate-expired", "An expired certificate enrols no iPad. Use an invitation."),
        DeviceRefusal.Superseded => new(403, "superseded", "The certificate was replaced, or refused by an administrator. Use an invitation."),
        DeviceRefusal.OtherKind => new(403, "other-kind", "The id belongs to an enrolment of another kind."),

        // 403 to a user of an iPad: that user is not managed, and the iPad is as it was.
        DeviceRefusal.NotShared => new(403, "not-shared", "Only a Shared iPad has users, and this is none."),
        DeviceRefusal.TooManyUsers => new(403, "too-many-users", "This iPad has as many users as it may, and all of them were here today."),

        // 403 with Apple's code: iOS 17 and later unenrol. Only for what an administrator removed.
        DeviceRefusal.Unrecognized => new(403, "removed", "An administrator removed this enrolment."),

        // 410: macOS does not manage that user, and asks again at the next login.
        DeviceRefusal.WillNotManageUser => new(410, "user-authenticate", "This server does not manage users of a Mac."),

        DeviceRefusal.UnknownTokenService => new(400, "unknown-token-service", "This server has no token of that service."),

        // 404: the iPad removes its copy of the declaration.
        DeviceRefusal.DeclarationNotFound => new(404, "declaration-not-found", "There is no such declaration."),

        // 413: the iPad makes a smaller one, or sends it again for nothing. Nothing of it is kept.
        DeviceRefusal.StatusTooLarge => new(413, RefusalReason.TooLarge, "A status report has at most 1 MiB."),

        DeviceRefusal.BadMessage => new(400, RefusalReason.BadMessage, "The message makes no sense on this channel."),
        _ => throw new ArgumentOutOfRangeException(nameof(refusal), refusal, "This refusal has no answer yet."),
    };
}
