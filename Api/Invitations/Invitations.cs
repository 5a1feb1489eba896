using System.Globalization;
using System.Text.Json;
using FleetMdm.Api.Access;
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
    public required string State { get; init; }
    public int? MaxUses { get; init; }
    /// <summary>How many iPads got their certificate by it.</summary>
    public required int Uses { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset ExpiresAt { get; init; }
    public DateTimeOffset? RevokedAt { get; init; }
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
        CreatedBy = invitation.CreatedBy,
    };
}
