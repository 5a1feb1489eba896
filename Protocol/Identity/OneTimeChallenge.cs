using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace FleetMdm.Protocol.Identity;

/// <summary>What a challenge is for. One that is for something else is none.</summary>
public enum ChallengeKind
{
    /// <summary>For an identity certificate. With a device: for that iPad's only.</summary>
    Identity,
    /// <summary>For an answer to a Profile Service profile.</summary>
    Answer,
    /// <summary>For an identity certificate of each iPad that a file with it is put on. Who has the file has as much as who has the link.</summary>
    Many,
    /// <summary>For the certificate of the second step of an enrolment over the air; with a device.</summary>
    Step,
}

/// <summary>
/// A challenge that a profile carries: <c>v1.INVITATION.NONCE.EXPIRY.MAC</c>, or with the iPad that it is for
/// <c>v2.INVITATION.NONCE.EXPIRY.UDID.SERIAL.MAC</c>. It needs no storage until it is used; that it is used once only is kept by
/// <c>IEnrolmentStore</c>, by its <see cref="Sha256"/>.
/// </summary>
/// <param name="InvitationId">Whose use it counts as.</param>
/// <param name="ExpiresAt">To the second.</param>
/// <param name="Sha256">Of the whole challenge; fit for storing.</param>
/// <param name="Device">The iPad that proved who it is; null: none did.</param>
public sealed record OneTimeChallenge(string InvitationId, DateTimeOffset ExpiresAt, byte[] Sha256, ProvenDevice? Device = null)
{
    public const int KeyBytes = 32;

    /// <summary>So that the challenge stays below the 255 characters of PKCS #9.</summary>
    public const int MaxInvitationIdLength = 64;

    /// <summary>Likewise, of one that names an iPad. Ids of ours have 22.</summary>
    private const int MaxLength = 255;

    private const int NonceBytes = 16;

    /// <param name="key"><see cref="KeyBytes"/> secret bytes.</param>
    /// <param name="invitationId">Letters, digits, <c>-</c>, <c>_</c>; at most <see cref="MaxInvitationIdLength"/>.</param>
    /// <param name="expiresAt">Until when it can be used.</param>
    /// <param name="kind">What it is for.</param>
    /// <param name="device">The iPad that it is for; null: for any.</param>
    public static string Create(
        ReadOnlySpan<byte> key, string invitationId, DateTimeOffset expiresAt, ChallengeKind kind = ChallengeKind.Identity, ProvenDevice? device = null)
    {
        if (!IsInvitationId(invitationId))
            throw new ArgumentException("Not the id of an invitation.", nameof(invitationId));
        var version = Version(kind, device is not null) ?? throw new ArgumentException("There is no such challenge.", nameof(kind));
        // Hexadecimal, because a PrintableString has no underscore and Base64url does.
        var nonce = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(NonceBytes));
        var claims = string.Create(CultureInfo.InvariantCulture, $"{version}.{invitationId}.{nonce}.{expiresAt.ToUnixTimeSeconds()}");
        if (device is not null)
            claims += $".{device.Udid}.{device.SerialNumber}";
        return $"{claims}.{Mac(key, claims)}";
    }

    /// <summary>Null when the challenge is not one of ours, is for something else, was changed, or has expired: which of them is nobody's business.</summary>
    public static OneTimeChallenge? Verify(ReadOnlySpan<byte> key, string? challenge, DateTimeOffset now, ChallengeKind kind = ChallengeKind.Identity)
    {
        if (challenge is null || challenge.Length > MaxLength)
            return null;
        var parts = challenge.Split('.');
        var named = parts.Length == 7;
        if ((parts.Length != 5 && !named) || parts[0] != Version(kind, named) || !IsInvitationId(parts[1]))
            return null;
        var mac = Mac(key, challenge[..challenge.LastIndexOf('.')]);
        if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(mac), Encoding.UTF8.GetBytes(parts[^1])))
            return null;
        // Authentic from here on, so the expiry is a number that we wrote, and so is the iPad.
        var expiresAt = DateTimeOffset.FromUnixTimeSeconds(long.Parse(parts[3], CultureInfo.InvariantCulture));
        return now > expiresAt ? null : new(parts[1], expiresAt, SHA256.HashData(Encoding.UTF8.GetBytes(challenge)),
            named ? new ProvenDevice(parts[4], parts[5]) : null);
    }

    /// <summary>What stands for a challenge for many when one iPad uses it: with each key it is another one.</summary>
    public OneTimeChallenge With(ReadOnlySpan<byte> publicKeySha256) => this with { Sha256 = SHA256.HashData([.. Sha256, .. publicKeySha256]) };

    /// <summary>Whether a text could be the id of an invitation at all; anything else need not be looked up.</summary>
    public static bool IsInvitationId(string text) =>
        text.Length is > 0 and <= MaxInvitationIdLength && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    /// <summary>Null: there are none of that kind.</summary>
    private static string? Version(ChallengeKind kind, bool named) => kind switch
    {
        ChallengeKind.Identity => named ? "v2" : "v1",
        ChallengeKind.Answer when !named => "a1",
        ChallengeKind.Many when !named => "m1",
        ChallengeKind.Step when named => "s1",
        _ => null,
    };

    private static string Mac(ReadOnlySpan<byte> key, string claims) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(claims)));
}
