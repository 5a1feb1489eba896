using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace FleetMdm.Protocol.Identity;

/// <summary>
/// The SCEP challenge that an enrolment profile carries: <c>v1.INVITATION.NONCE.EXPIRY.MAC</c>. It needs no storage until it is
/// used; that it is used once only is kept by <c>IEnrolmentStore.Issue</c>, by its <see cref="Sha256"/>.
/// </summary>
/// <param name="InvitationId">Whose use it counts as.</param>
/// <param name="ExpiresAt">To the second.</param>
/// <param name="Sha256">Of the whole challenge; fit for storing.</param>
public sealed record OneTimeChallenge(string InvitationId, DateTimeOffset ExpiresAt, byte[] Sha256)
{
    public const int KeyBytes = 32;

    /// <summary>So that the challenge stays below the 255 characters of PKCS #9.</summary>
    public const int MaxInvitationIdLength = 64;

    private const string Version = "v1";
    private const int NonceBytes = 16;
    private const int MaxLength = 255;

    /// <param name="key"><see cref="KeyBytes"/> secret bytes.</param>
    /// <param name="invitationId">Letters, digits, <c>-</c>, <c>_</c>; at most <see cref="MaxInvitationIdLength"/>.</param>
    public static string Create(ReadOnlySpan<byte> key, string invitationId, DateTimeOffset expiresAt)
    {
        if (!IsInvitationId(invitationId))
            throw new ArgumentException("Not the id of an invitation.", nameof(invitationId));
        // Hexadecimal, because a PrintableString has no underscore and Base64url does.
        var nonce = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(NonceBytes));
        var claims = string.Create(CultureInfo.InvariantCulture, $"{Version}.{invitationId}.{nonce}.{expiresAt.ToUnixTimeSeconds()}");
        return $"{claims}.{Mac(key, claims)}";
    }

    /// <summary>Null when the challenge is not one of ours, was changed, or has expired: which of them is nobody's business.</summary>
    public static OneTimeChallenge? Verify(ReadOnlySpan<byte> key, string? challenge, DateTimeOffset now)
    {
        if (challenge is null || challenge.Length > MaxLength)
            return null;
        var parts = challenge.Split('.');
        if (parts.Length != 5 || parts[0] != Version || !IsInvitationId(parts[1]))
            return null;
        var mac = Mac(key, challenge[..challenge.LastIndexOf('.')]);
        if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(mac), Encoding.UTF8.GetBytes(parts[4])))
            return null;
        // Authentic from here on, so the expiry is a number that we wrote.
        var expiresAt = DateTimeOffset.FromUnixTimeSeconds(long.Parse(parts[3], CultureInfo.InvariantCulture));
        return now > expiresAt ? null : new(parts[1], expiresAt, SHA256.HashData(Encoding.UTF8.GetBytes(challenge)));
    }

    /// <summary>Whether a text could be the id of an invitation at all; anything else need not be looked up.</summary>
    public static bool IsInvitationId(string text) =>
        text.Length is > 0 and <= MaxInvitationIdLength && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    private static string Mac(ReadOnlySpan<byte> key, string claims) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(claims)));
}
