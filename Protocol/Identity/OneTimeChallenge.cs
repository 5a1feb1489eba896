using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace FleetMdm.Protocol.Identity;

/// <summary>
/// The SCEP challenge that an enrolment profile carries: <c>v2.INVITATION.NONCE.EXPIRY.AUTHORITY.MAC</c> for an iPad that enrols, and
/// <c>r1.CERTIFICATE.NONCE.EXPIRY.AUTHORITY.MAC</c> for one that renews the certificate with that SHA-256. It needs no storage until it is
/// used; that it is used once only is kept by <c>IEnrolmentStore</c>, by its <see cref="Sha256"/>.
/// </summary>
/// <remarks><c>v1</c> is the first form without the authority. It is written where an authority does not fit.</remarks>
/// <param name="InvitationId">Whose use it counts as; null: it renews.</param>
/// <param name="Renews">SHA-256 of the certificate that it renews; null: it enrols.</param>
/// <param name="Authority">Host, and port unless it is 443, of the URLs in the profile; null: it does not say.</param>
/// <param name="ExpiresAt">To the second.</param>
/// <param name="Sha256">Of the whole challenge; fit for storing.</param>
public sealed record OneTimeChallenge(string? InvitationId, byte[]? Renews, string? Authority, DateTimeOffset ExpiresAt, byte[] Sha256)
{
    public const int KeyBytes = 32;

    /// <summary>So that the challenge stays below the 255 characters of PKCS #9.</summary>
    public const int MaxInvitationIdLength = 64;

    private const string First = "v1";
    private const string Enrolling = "v2";
    private const string Renewing = "r1";
    private const int NonceBytes = 16;
    private const int MacLength = 64;
    private const int MaxLength = 255;

    /// <param name="key"><see cref="KeyBytes"/> secret bytes.</param>
    /// <param name="invitationId">Letters, digits, <c>-</c>, <c>_</c>; at most <see cref="MaxInvitationIdLength"/>.</param>
    /// <param name="expiresAt">Until when it can be used.</param>
    /// <param name="authority">Of the URLs in the profile; left out when it does not fit.</param>
    public static string Create(ReadOnlySpan<byte> key, string invitationId, DateTimeOffset expiresAt, string? authority = null)
    {
        if (!IsInvitationId(invitationId))
            throw new ArgumentException("Not the id of an invitation.", nameof(invitationId));
        var claims = Claims(invitationId, expiresAt);
        return authority is not null && Fits(Enrolling, claims, authority)
            ? Authenticated(key, $"{Enrolling}.{claims}.{authority}")
            : Authenticated(key, $"{First}.{claims}");
    }

    /// <param name="key"><see cref="KeyBytes"/> secret bytes.</param>
    /// <param name="certificate">SHA-256 of the certificate that is to be renewed.</param>
    /// <param name="expiresAt">Until when it can be used.</param>
    /// <param name="authority">Of the URLs in the profile; left out when it does not fit.</param>
    public static string CreateRenewal(ReadOnlySpan<byte> key, byte[] certificate, DateTimeOffset expiresAt, string authority)
    {
        if (certificate.Length != SHA256.HashSizeInBytes)
            throw new ArgumentException("Not a SHA-256.", nameof(certificate));
        var claims = Claims(Convert.ToHexStringLower(certificate), expiresAt);
        return Authenticated(key, $"{Renewing}.{claims}.{(Fits(Renewing, claims, authority) ? authority : "")}");
    }

    /// <summary>Null when the challenge is not one of ours, was changed, or has expired: which of them is nobody's business.</summary>
    public static OneTimeChallenge? Verify(ReadOnlySpan<byte> key, string? challenge, DateTimeOffset now)
    {
        if (challenge is null || challenge.Length > MaxLength)
            return null;
        var end = challenge.LastIndexOf('.');
        if (end < 0)
            return null;
        var mac = Mac(key, challenge[..end]);
        if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(mac), Encoding.UTF8.GetBytes(challenge[(end + 1)..])))
            return null;
        // Authentic from here on, so the parts are as we wrote them. The authority has dots of its own.
        var parts = challenge[..end].Split('.', 5);
        var kind = parts[0];
        if (parts.Length < 4 || kind is not (First or Enrolling or Renewing))
            return null;
        var expiresAt = DateTimeOffset.FromUnixTimeSeconds(long.Parse(parts[3], CultureInfo.InvariantCulture));
        if (now > expiresAt)
            return null;
        var authority = parts.Length > 4 && parts[4].Length > 0 ? parts[4] : null;
        var sha256 = SHA256.HashData(Encoding.UTF8.GetBytes(challenge));
        return kind == Renewing
            ? new(null, Convert.FromHexString(parts[1]), authority, expiresAt, sha256)
            : new(parts[1], null, authority, expiresAt, sha256);
    }

    /// <summary>Whether a text could be the id of an invitation at all; anything else need not be looked up.</summary>
    public static bool IsInvitationId(string text) =>
        text.Length is > 0 and <= MaxInvitationIdLength && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    private static string Claims(string subject, DateTimeOffset expiresAt)
    {
        // Hexadecimal, because a PrintableString has no underscore and Base64url does.
        var nonce = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(NonceBytes));
        return string.Create(CultureInfo.InvariantCulture, $"{subject}.{nonce}.{expiresAt.ToUnixTimeSeconds()}");
    }

    /// <summary>In the length of PKCS #9, and in the characters of a PrintableString.</summary>
    private static bool Fits(string kind, string claims, string authority) =>
        kind.Length + claims.Length + authority.Length + MacLength + 3 <= MaxLength
        && authority.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or ':');

    private static string Authenticated(ReadOnlySpan<byte> key, string text) => $"{text}.{Mac(key, text)}";

    private static string Mac(ReadOnlySpan<byte> key, string claims) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(claims)));
}
