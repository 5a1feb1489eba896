using System.Globalization;
using System.Text.Json;
using FleetMdm.Api.Access;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Enrolment;

namespace FleetMdm.Api.Invitations;

/// <summary>Who may enrol.</summary>
public sealed record InvitationRequest
{
    /// <summary>For people: "Trolley 3", "Class 4b". At most 200 characters.</summary>
    public string? Name { get; init; }
    /// <summary>The school that iPads enrolled by it belong to. At most 200 characters.</summary>
    public string? School { get; init; }
    /// <summary>How many iPads may enrol by it, 1 to 1000000; absent: any number.</summary>
    public int? MaxUses { get; init; }
    /// <summary>How many days it is open, 1 to 730. Absent, and without expiresAt: 30.</summary>
    public int? ExpiresInDays { get; init; }
    /// <summary>Until when it is open; instead of expiresInDays.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
    /// <summary>Serial numbers and UDIDs, 1 to 1000: only these iPads may enrol by it, and they may also when they are enrolled already. Absent: any iPad.</summary>
    public IReadOnlyList<string>? OnlyFor { get; init; }
    /// <summary>true: whoever has the link may take over any iPad that is enrolled already. For a short time and a trusted hand.</summary>
    public bool? AllowReenrolment { get; init; }
    /// <summary>What the server may do on these iPads, by Apple's names, as in <c>AllowInspection</c>. Absent: everything. It can never be more for an iPad that has
    /// enrolled, and without AllowInstallationRemoval its certificate cannot be renewed.</summary>
    public IReadOnlyList<string>? AccessRights { get; init; }
}

/// <summary>An invitation.</summary>
public sealed record InvitationView
{
    /// <summary>Whoever knows it can enrol while the invitation is open. Those who may not see secrets get its number instead, which can be used in
    /// every path.</summary>
    public required string Id { get; init; }
    /// <summary>Its name where the id must not stand: in audit records, for viewers.</summary>
    public required long Number { get; init; }
    /// <summary>What a person opens on the iPad, or scans as a QR code. Only for those who may see secrets.</summary>
    public string? Url { get; init; }
    public string? Name { get; init; }
    public string? School { get; init; }
    /// <summary>open, revoked, expired or usedUp.</summary>
    [OneOf("open", "revoked", "expired", "usedUp")]
    public required string State { get; init; }
    public int? MaxUses { get; init; }
    /// <summary>How many iPads have a place in it: those that enrolled, and those that got a certificate and have not enrolled yet.</summary>
    public required int Uses { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset ExpiresAt { get; init; }
    public DateTimeOffset? RevokedAt { get; init; }
    /// <summary>Since when its certificates are not renewed any more; null: they are.</summary>
    public DateTimeOffset? CertificatesWithdrawnAt { get; init; }
    /// <summary>The only iPads that may enrol by it; null: any.</summary>
    public IReadOnlyList<string>? OnlyFor { get; init; }
    /// <summary>Whoever has the link may take over an iPad that is enrolled already.</summary>
    public required bool AllowReenrolment { get; init; }
    /// <summary>What the server may do on the iPads that come by it, by Apple's names; null: everything.</summary>
    public IReadOnlyList<string>? AccessRights { get; init; }
    /// <summary>The name of the token that made it.</summary>
    public required string CreatedBy { get; init; }

    internal bool IsOpen => State == "open";

    internal static InvitationView Of(Invitation invitation, FleetUser reader, Uri publicUrl, DateTimeOffset now) => new()
    {
        Id = reader.MaySeeSecrets ? invitation.Id : invitation.Number.ToString(CultureInfo.InvariantCulture),
        Number = invitation.Number,
        Url = reader.MaySeeSecrets ? new Uri(publicUrl, "/enroll/" + invitation.Id).AbsoluteUri : null,
        Name = invitation.Name,
        School = invitation.School,
        State = JsonNamingPolicy.CamelCase.ConvertName(invitation.StateAt(now).ToString()),
        MaxUses = invitation.MaxUses,
        Uses = invitation.Uses,
        CreatedAt = invitation.CreatedAt,
        ExpiresAt = invitation.ExpiresAt,
        RevokedAt = invitation.RevokedAt,
        CertificatesWithdrawnAt = invitation.CertificatesWithdrawnAt,
        OnlyFor = invitation.OnlyFor,
        AllowReenrolment = invitation.AllowReenrolment,
        AccessRights = AccessRightNames.Of(invitation.AccessRights),
        CreatedBy = invitation.CreatedBy,
    };
}
