namespace FleetMdm.Storage.Enrolment;

/// <summary>What is known of a certificate that somebody presents. A certificate, and what descends from it by renewal, speaks for the
/// enrolment that first used it; so its own pin, or that of what it renews, says whose it is.</summary>
public sealed record CertificateStanding
{
    /// <summary>Null: not of our CA, or forgotten (an older database was restored).</summary>
    public IssuedCertificate? Issued { get; init; }

    /// <summary>The enrolment that has used it; null: none has.</summary>
    public PinOwner? Pinned { get; init; }

    /// <summary>The enrolment that has used the certificate which this one renews.</summary>
    public PinOwner? RenewedPinned { get; init; }

    /// <summary>The only iPad that it is for: it proved by its device certificate, or by an attestation, who it is. Null: none did.</summary>
    public ProvenIPad? Proven { get; init; }

    /// <summary>The invitation by which it, or the first of its line, was issued.</summary>
    public InvitationStanding? Invitation { get; init; }
}

/// <param name="DeviceId">Whose it is, for good.</param>
/// <param name="DroppedAt">Since when it speaks no more; null: it does.</param>
public sealed record PinOwner(string DeviceId, DateTimeOffset? DroppedAt);

/// <param name="Udid">In its one spelling.</param>
/// <param name="SerialNumber">In upper case.</param>
public sealed record ProvenIPad(string Udid, string SerialNumber)
{
    /// <summary>Whether this iPad says that it is the one. A message without a serial number is of the iPad with that UDID.</summary>
    public bool Is(string? udid, string? serialNumber) =>
        string.Equals(Udid, udid, StringComparison.OrdinalIgnoreCase) &&
        (serialNumber is null || string.Equals(SerialNumber, serialNumber, StringComparison.OrdinalIgnoreCase));
}

/// <summary>What an invitation says of those who come by it.</summary>
public sealed record InvitationStanding
{
    public required string Id { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public DateTimeOffset? RevokedAt { get; init; }
    public DateTimeOffset? CertificatesWithdrawnAt { get; init; }
    public bool AllowReenrolment { get; init; }
    /// <summary>Serial numbers and UDIDs, in upper case; null: for any iPad.</summary>
    public IReadOnlyList<string>? OnlyFor { get; init; }
    /// <summary>What the server may do on the iPads that come by it, as a sum of Apple's numbers; null: everything.</summary>
    public int? AccessRights { get; init; }
    /// <summary>Who has made it for an iPad in their own hands; null: it is an administrator's.</summary>
    public string? PersonId { get; init; }
    public string? School { get; init; }
    /// <inheritdoc cref="Invitation.OfSchools"/>
    public bool OfSchools { get; init; }

    /// <summary>Whether whoever made it may say that an iPad of this school enrols anew: an administrator, for the schools that their rights cover.</summary>
    public bool MayTakeOver(string? school) => PersonId is null && (!OfSchools || (school is not null && school == School));

    /// <summary>Whether one of these (serial number, UDID) is named.</summary>
    public bool Names(params ReadOnlySpan<string?> ids)
    {
        if (OnlyFor is null) return false;
        foreach (var id in ids)
        {
            if (id is not null && OnlyFor.Contains(id, StringComparer.OrdinalIgnoreCase)) return true;
        }

        return false;
    }
}

/// <summary>The iPads that an invitation is for, as they are stored: one a line.</summary>
internal static class InvitationTargets
{
    public static string? Join(IReadOnlyList<string>? ids) => ids is null ? null : string.Join('\n', ids.Select(id => id.ToUpperInvariant()));

    public static IReadOnlyList<string>? Split(string? ids) => ids?.Split('\n', StringSplitOptions.RemoveEmptyEntries);
}

/// <summary>A renewal by SCEP, checked and stored in one transaction.</summary>
public sealed record RenewalRequest
{
    /// <summary>SHA-256 of the public key that the new certificate is for.</summary>
    public required byte[] PublicKeyHash { get; init; }
    /// <summary>Its <see cref="IssuedCertificate.Renews"/> is set. The invitation is filled in by the store, and so is the authority when it is null.</summary>
    public required IssuedCertificate Certificate { get; init; }
    /// <summary>SHA-256 of the one-time challenge that allows it; null: the old certificate has signed the request.</summary>
    public byte[]? ChallengeHash { get; init; }
    public required DateTimeOffset At { get; init; }
}

public enum RenewalOutcome
{
    Renewed,
    /// <summary>The same key was certified before: <see cref="RenewalResult.Certificate"/> is the one issued then.</summary>
    RenewedBefore,
    /// <summary>No enrolment has used the old certificate.</summary>
    NeverUsed,
    /// <summary>The old certificate was replaced: its successor renews.</summary>
    Replaced,
    /// <summary>The enrolment has ended, was removed or was taken over.</summary>
    Ended,
    /// <summary>The certificates of its invitation were withdrawn.</summary>
    Withdrawn,
    /// <summary>The challenge was used with another key.</summary>
    ChallengeUsed,
}

public sealed record RenewalResult(RenewalOutcome Outcome, IssuedCertificate? Certificate = null);
