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
    /// <summary>For an identity certificate with an attestation, by ACME: its client identifier. With a device: for that iPad's only. It brings none by SCEP.</summary>
    Attested,
    /// <summary>The same, for each iPad that a file with it is put on.</summary>
    ManyAttested,
}

/// <summary>
/// A challenge that a profile carries. It needs no storage until it is used; that it is used once only is kept by <c>IEnrolmentStore</c>, by its
/// <see cref="Sha256"/>.
/// </summary>
/// <remarks>
/// <para><c>v1.INVITATION.NONCE.EXPIRY.MAC</c>: for an identity; <c>v2.INVITATION.NONCE.EXPIRY.AUTHORITY.MAC</c> says the URLs of the profile, too</para>
/// <para><c>p1.INVITATION.NONCE.EXPIRY.UDID.SERIAL.AUTHORITY.MAC</c>: for an identity of the iPad that has proved who it is</para>
/// <para><c>r1.CERTIFICATE.NONCE.EXPIRY.AUTHORITY.MAC</c>: for an identity that renews the certificate with that SHA-256</para>
/// <para><c>a1.INVITATION.NONCE.EXPIRY.MAC</c>: for an answer; <c>s1.INVITATION.NONCE.EXPIRY.UDID.SERIAL.MAC</c>: for the second step</para>
/// <para><c>m1.INVITATION.NONCE.EXPIRY.AUTHORITY.MAC</c>: for an identity of each iPad that a file with it is put on</para>
/// <para><c>t1.INVITATION.NONCE.EXPIRY.AUTHORITY.MAC</c>: for an identity by ACME; <c>d1.INVITATION.NONCE.EXPIRY.UDID.SERIAL.AUTHORITY.MAC</c>: of the iPad that has proved who it is;
/// <c>q1.CERTIFICATE.NONCE.EXPIRY.UDID.SERIAL.AUTHORITY.MAC</c>: that renews; <c>n1.INVITATION.NONCE.EXPIRY.AUTHORITY.MAC</c>: for many</para>
/// <para>An authority that does not fit is left out.</para>
/// </remarks>
/// <param name="InvitationId">Whose use it counts as; null: it renews.</param>
/// <param name="Renews">SHA-256 of the certificate that it renews; null: it enrols.</param>
/// <param name="Authority">Host, and port unless it is 443, of the URLs in the profile; null: it does not say.</param>
/// <param name="ExpiresAt">To the second.</param>
/// <param name="Sha256">Of the whole challenge; fit for storing.</param>
/// <param name="Device">The iPad that proved who it is; null: none did.</param>
public sealed record OneTimeChallenge(
    string? InvitationId, byte[]? Renews, string? Authority, DateTimeOffset ExpiresAt, byte[] Sha256, ProvenDevice? Device = null)
{
    public const int KeyBytes = 32;

    /// <summary>So that the challenge stays below the 255 characters of PKCS #9. Of one that names an iPad, likewise: ids of ours have 22.</summary>
    public const int MaxInvitationIdLength = 64;

    private const string ForIdentity = "v1";
    private const string ForIdentityAt = "v2";
    private const string ForProven = "p1";
    private const string ForRenewal = "r1";
    private const string ForAnswer = "a1";
    private const string ForMany = "m1";
    private const string ForStep = "s1";
    private const string ForAttested = "t1";
    private const string ForAttestedDevice = "d1";
    private const string ForAttestedRenewal = "q1";
    private const string ForManyAttested = "n1";
    private const int NonceBytes = 16;
    private const int MacLength = 64;
    private const int MaxLength = 255;

    /// <summary>A client identifier of ACME is no attribute of PKCS #9. A host name has up to 253 characters.</summary>
    private const int MaxAttestedLength = 640;

    /// <param name="key"><see cref="KeyBytes"/> secret bytes.</param>
    /// <param name="invitationId">Letters, digits, <c>-</c>, <c>_</c>; at most <see cref="MaxInvitationIdLength"/>.</param>
    /// <param name="expiresAt">Until when it can be used.</param>
    /// <param name="authority">Of the URLs in the profile, for an identity.</param>
    /// <param name="kind">What it is for.</param>
    /// <param name="device">The iPad that it is for; null: for any.</param>
    public static string Create(
        ReadOnlySpan<byte> key, string invitationId, DateTimeOffset expiresAt, string? authority = null, ChallengeKind kind = ChallengeKind.Identity,
        ProvenDevice? device = null)
    {
        if (!IsInvitationId(invitationId))
            throw new ArgumentException("Not the id of an invitation.", nameof(invitationId));
        var claims = Claims(invitationId, expiresAt);
        var named = device is null ? claims : $"{claims}.{device.Udid}.{device.SerialNumber}";
        return (kind, device) switch
        {
            (ChallengeKind.Identity, null) when authority is not null && Fits(ForIdentityAt, claims, authority) =>
                Authenticated(key, $"{ForIdentityAt}.{claims}.{authority}"),
            (ChallengeKind.Identity, null) => Authenticated(key, $"{ForIdentity}.{claims}"),
            (ChallengeKind.Identity, _) => Authenticated(key, $"{ForProven}.{named}.{(authority is not null && Fits(ForProven, named, authority) ? authority : "")}"),
            (ChallengeKind.Many, null) => Authenticated(key, $"{ForMany}.{claims}.{(authority is not null && Fits(ForMany, claims, authority) ? authority : "")}"),
            (ChallengeKind.Attested, null) => Authenticated(key, $"{ForAttested}.{claims}.{authority}"),
            (ChallengeKind.Attested, _) => Authenticated(key, $"{ForAttestedDevice}.{named}.{authority}"),
            (ChallengeKind.ManyAttested, null) => Authenticated(key, $"{ForManyAttested}.{claims}.{authority}"),
            (ChallengeKind.Answer, null) => Authenticated(key, $"{ForAnswer}.{claims}"),
            (ChallengeKind.Step, not null) => Authenticated(key, $"{ForStep}.{named}"),
            _ => throw new ArgumentException("There is no such challenge.", nameof(kind)),
        };
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
        return Authenticated(key, $"{ForRenewal}.{claims}.{(Fits(ForRenewal, claims, authority) ? authority : "")}");
    }

    /// <summary>For an identity by ACME that renews another one.</summary>
    /// <param name="key"><see cref="KeyBytes"/> secret bytes.</param>
    /// <param name="certificate">SHA-256 of the certificate that is to be renewed.</param>
    /// <param name="expiresAt">Until when it can be used.</param>
    /// <param name="device">The iPad whose certificate that is.</param>
    /// <param name="authority">Of the URLs in the profile.</param>
    public static string CreateAttestedRenewal(ReadOnlySpan<byte> key, byte[] certificate, DateTimeOffset expiresAt, ProvenDevice device, string authority) =>
        certificate.Length == SHA256.HashSizeInBytes
            ? Authenticated(key, $"{ForAttestedRenewal}.{Claims(Convert.ToHexStringLower(certificate), expiresAt)}.{device.Udid}.{device.SerialNumber}.{authority}")
            : throw new ArgumentException("Not a SHA-256.", nameof(certificate));

    /// <summary>Null when the challenge is not one of ours, is for something else, was changed, or has expired: which of them is nobody's business.</summary>
    public static OneTimeChallenge? Verify(ReadOnlySpan<byte> key, string? challenge, DateTimeOffset now, ChallengeKind kind = ChallengeKind.Identity)
    {
        if (challenge is null || challenge.Length > (kind is ChallengeKind.Attested or ChallengeKind.ManyAttested ? MaxAttestedLength : MaxLength))
            return null;
        var end = challenge.LastIndexOf('.');
        if (end < 0)
            return null;
        var mac = Mac(key, challenge[..end]);
        if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(mac), Encoding.UTF8.GetBytes(challenge[(end + 1)..])))
            return null;
        // Authentic from here on, so the parts are as we wrote them. An authority has dots of its own, and is the last part.
        var version = challenge[..challenge.IndexOf('.')];
        var parts = challenge[..end].Split('.', version is ForProven or ForStep or ForAttestedDevice or ForAttestedRenewal ? 7 : 5);
        if (KindOf(version) != kind)
            return null;
        var expiresAt = DateTimeOffset.FromUnixTimeSeconds(long.Parse(parts[3], CultureInfo.InvariantCulture));
        if (now > expiresAt)
            return null;
        var sha256 = SHA256.HashData(Encoding.UTF8.GetBytes(challenge));
        return version switch
        {
            ForRenewal => new(null, Convert.FromHexString(parts[1]), AuthorityIn(parts, 4), expiresAt, sha256),
            ForAttestedRenewal => new(null, Convert.FromHexString(parts[1]), AuthorityIn(parts, 6), expiresAt, sha256, new ProvenDevice(parts[4], parts[5])),
            ForProven or ForStep or ForAttestedDevice => new(parts[1], null, AuthorityIn(parts, 6), expiresAt, sha256, new ProvenDevice(parts[4], parts[5])),
            _ => new(parts[1], null, AuthorityIn(parts, 4), expiresAt, sha256),
        };
    }

    /// <summary>What stands for a challenge for many when one iPad uses it: with each key it is another one.</summary>
    public OneTimeChallenge With(ReadOnlySpan<byte> publicKeySha256) => this with { Sha256 = SHA256.HashData([.. Sha256, .. publicKeySha256]) };

    /// <summary>Whether a text could be the id of an invitation at all; anything else need not be looked up.</summary>
    public static bool IsInvitationId(string text) =>
        text.Length is > 0 and <= MaxInvitationIdLength && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_');

    /// <summary>Null: there are none of that version.</summary>
    private static ChallengeKind? KindOf(string version) => version switch
    {
        ForIdentity or ForIdentityAt or ForProven or ForRenewal => ChallengeKind.Identity,
        ForAnswer => ChallengeKind.Answer,
        ForMany => ChallengeKind.Many,
        ForStep => ChallengeKind.Step,
        ForAttested or ForAttestedDevice or ForAttestedRenewal => ChallengeKind.Attested,
        ForManyAttested => ChallengeKind.ManyAttested,
        _ => null,
    };

    private static string? AuthorityIn(string[] parts, int at) => parts.Length > at && parts[at].Length > 0 ? parts[at] : null;

    private static string Claims(string subject, DateTimeOffset expiresAt)
    {
        // Hexadecimal, because a PrintableString has no underscore and Base64url does.
        var nonce = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(NonceBytes));
        return string.Create(CultureInfo.InvariantCulture, $"{subject}.{nonce}.{expiresAt.ToUnixTimeSeconds()}");
    }

    /// <summary>In the length of PKCS #9, and in the characters of a PrintableString.</summary>
    private static bool Fits(string version, string claims, string authority) =>
        version.Length + claims.Length + authority.Length + MacLength + 3 <= MaxLength
        && authority.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or ':');

    private static string Authenticated(ReadOnlySpan<byte> key, string text) => $"{text}.{Mac(key, text)}";

    private static string Mac(ReadOnlySpan<byte> key, string claims) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(claims)));
}
