using FleetMdm.Api.Attestation;
using FleetMdm.Api.Hosting;
using FleetMdm.Protocol.Identity;
using FleetMdm.Storage;
using FleetMdm.Storage.Attestation;
using FleetMdm.Storage.Enrolment;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace FleetMdm.Api.Enrolment;

/// <summary>
/// SCEP (RFC 8894) by GET and POST. A request goes this way:
/// </summary>
/// <remarks>
/// <code>
/// 1. operation   GetCACaps and GetCACert are answered at once
/// 2. message     Base64 in the query or the body as it is, bounded     400, 413
/// 3. read        who asks, under which transaction                     400; what was answered within a minute is answered so again
/// 4. open        signature, envelope, proof of possession              SCEP failure
/// 5. allow       a one-time challenge, or a certificate of ours, where
///                no attestation is wanted instead                      SCEP failure
/// 6. issue       certify, store, and only then answer                  503 when the store is away
/// </code>
/// Whatever a stranger sends ends in a SCEP failure or a 4xx. A repeated request with the same key and challenge gets the
/// certificate that was issued the first time.
/// </remarks>
public sealed partial class ScepEndpoint(
    EnrolmentAuthority authority,
    IEnrolmentStore store,
    IOptions<ScepOptions> options,
    AttestationPolicy attestation,
    IAttestationStore attestations,
    EnrolmentMetrics metrics,
    AnsweredMessages answered,
    ClientAddress clients,
    TimeProvider time,
    ILogger<ScepEndpoint> logger)
{
    /// <summary>The iPad uses it within seconds. Its clock may be wrong.</summary>
    private static readonly TimeSpan StepLasts = TimeSpan.FromHours(1);

    private readonly OncePerHour _told = new(time);

    public async Task<IResult> Handle(HttpContext context)
    {
        var query = context.Request.Query;
        // 1
        switch (query["operation"].ToString())
        {
            case "GetCACaps":
                return Results.Text((await authority.Get()).Scep.Capabilities, "text/plain");
            case "GetCACert":
                return Results.Bytes((await authority.Get()).ScepCertificates, ScepResponder.CaCertificatesContentType);
            case "PKIOperation":
                break;
            default:
                return Refuse("The operation must be GetCACaps, GetCACert or PKIOperation.");
        }

        // 2
        byte[]? message;
        if (HttpMethods.IsPost(context.Request.Method))
        {
            message = await BoundedBody.Read(context.Request, ScepResponder.MaxMessageBytes);
            if (message is null)
                return Results.Text($"A SCEP message has at most {ScepResponder.MaxMessageBytes} bytes.", statusCode: StatusCodes.Status413PayloadTooLarge);
        }
        else
        {
            message = DecodeQuery(query["message"]);
            if (message is null)
                return Refuse("The message must be Base64.");
        }

        // 3
        var snapshot = await authority.Get();
        ScepRequest request;
        try
        {
            request = snapshot.Scep.Read(message);
        }
        catch (IdentityException e)
        {
            if (_told.IsDue(clients.Of(context))) LogUnreadable(clients.Of(context), e.Refusal, e.Message);
            metrics.CountScep(e.Refusal.ToString());
            return Refuse($"Not a SCEP request: {e.Message}");
        }

        var key = AnsweredMessages.KeyOf(request.HashOfSigned());
        if (answered.Find(key) is { } before)
        {
            metrics.CountScep("Repeated");
            return Results.Bytes(before, ScepResponder.MessageContentType);
        }

        return Results.Bytes(await Answer(context, snapshot, request, key), ScepResponder.MessageContentType);
    }

    private async Task<byte[]> Answer(HttpContext context, AuthoritySnapshot snapshot, ScepRequest request, UInt128 key)
    {
        // What the message itself is refused for stays; what the store says of it may be another thing in a second.
        var mayChange = false;
        try
        {
            // 4
            var csr = snapshot.Scep.Open(request);
            // 5, 6
            byte[] certificate;
            if (request.MessageType == ScepMessageType.RenewalReq)
            {
                var old = ToRenew(snapshot, request);
                mayChange = true;
                certificate = await Renew(snapshot, old.Sha256, csr, null);
            }
            else
            {
                var challenge = Challenge(snapshot, csr, out var step);
                mayChange = true;
                certificate = step ? IssueStep(snapshot, challenge.Device!, csr)
                    : challenge.Renews is { } renewed ? await Renew(snapshot, renewed, csr, challenge)
                    : await Enrol(snapshot, challenge, csr);
            }

            var success = snapshot.Scep.Success(request, certificate);
            answered.AddCertificate(key, success);
            return success;
        }
        catch (ScepException e)
        {
            if (_told.IsDue(clients.Of(context)))
                LogRefused(clients.Of(context), request.TransactionId, request.Signer.Description, e.FailInfo, e.Message);
            metrics.CountScep(e.FailInfo.ToString());
            var failure = snapshot.Scep.Failure(request, e.FailInfo);
            if (!mayChange) answered.AddRefusal(key, failure);
            return failure;
        }
    }

    /// <param name="snapshot">Whose key made it.</param>
    /// <param name="csr">It holds the challenge.</param>
    /// <param name="step">It is for the second step of an enrolment over the air, and not for an identity.</param>
    private OneTimeChallenge Challenge(AuthoritySnapshot snapshot, CertificateSigningRequest csr, out bool step)
    {
        var now = time.GetUtcNow();
        var identity = OneTimeChallenge.Verify(snapshot.ChallengeKey, csr.Challenge, now)
            ?? OneTimeChallenge.Verify(snapshot.ChallengeKey, csr.Challenge, now, ChallengeKind.Many)?.With(csr.PublicKeySha256);
        step = identity is null;
        return identity ?? OneTimeChallenge.Verify(snapshot.ChallengeKey, csr.Challenge, now, ChallengeKind.Step)
            ?? throw new ScepException(ScepFailInfo.BadRequest, "The challenge is missing, not of this server, or expired: fetch a new enrolment profile.");
    }

    /// <summary>Nothing is stored: the certificate says itself which iPad it is for, ends soon, identifies no iPad, and is taken for one answer.</summary>
    private byte[] IssueStep(AuthoritySnapshot snapshot, ProvenDevice device, CertificateSigningRequest csr)
    {
        try
        {
            var certificate = snapshot.Ca.IssueOverTheAirStep(csr, device, time.GetUtcNow(), StepLasts);
            metrics.CountScep("Step");
            return certificate.Der.ToArray();
        }
        catch (IdentityException e)
        {
            throw new ScepException(ScepFailInfo.BadAlg, e.Message, e);
        }
    }

    private async Task<byte[]> Enrol(AuthoritySnapshot snapshot, OneTimeChallenge challenge, CertificateSigningRequest csr)
    {
        // The profiles of before, and who says that it cannot attest, are no way around it.
        if (attestation.Mode == AttestedIdentity.Required)
            throw new ScepException(ScepFailInfo.BadRequest, "Attestation:Identity is Required: an iPad gets its identity by ACME. Fetch a new enrolment profile.");
        var now = time.GetUtcNow();
        var certificate = Certify(snapshot, csr, now);
        IssueResult result;
        try
        {
            result = await store.Issue(new IssueRequest
            {
                ChallengeHash = challenge.Sha256,
                PublicKeyHash = csr.PublicKeySha256,
                Certificate = Row(snapshot, certificate, now) with
                {
                    InvitationId = challenge.InvitationId,
                    Authority = challenge.Authority,
                    Proven = challenge.Device is { } device ? new ProvenIPad(device.Udid, device.SerialNumber) : null,
                },
                At = now,
            });
        }
        catch (StoreRejectedException e)
        {
            throw new ScepException(ScepFailInfo.BadRequest, "The certificate cannot be stored.", e);
        }
        switch (result.Outcome)
        {
            case IssueOutcome.Issued or IssueOutcome.IssuedBefore:
                var issued = result.Certificate!;
                LogIssued(result.Outcome, Convert.ToHexStringLower(issued.Sha256), issued.NotAfter);
                metrics.CountScep(result.Outcome.ToString());
                return issued.Der;
            case IssueOutcome.ChallengeUsed:
                throw new ScepException(ScepFailInfo.BadRequest, "The challenge was used before, with another key: fetch a new enrolment profile.");
            default:
                throw new ScepException(ScepFailInfo.BadRequest, "The invitation is revoked, expired, or used up.");
        }
    }

    private VerifiedIdentity ToRenew(AuthoritySnapshot snapshot, ScepRequest request)
    {
        VerifiedIdentity old;
        try
        {
            old = snapshot.Verifier.Verify(request.Signer.Der.Span, time.GetUtcNow());
        }
        catch (IdentityException e)
        {
            var failInfo = e.Refusal is IdentityRefusal.Expired or IdentityRefusal.NotYetValid ? ScepFailInfo.BadTime : ScepFailInfo.BadMessageCheck;
            throw new ScepException(failInfo, $"The certificate cannot be renewed: {e.Message}", e);
        }
        return old.IssuedByUs ? old : throw new ScepException(ScepFailInfo.BadMessageCheck, "Only certificates of this server's own CA are renewed.");
    }

    /// <param name="old">SHA-256 of the certificate that is renewed.</param>
    /// <param name="challenge">What allows it; null: the old certificate has signed the request.</param>
    private async Task<byte[]> Renew(AuthoritySnapshot snapshot, byte[] old, CertificateSigningRequest csr, OneTimeChallenge? challenge)
    {
        if (attestation.Mode != AttestedIdentity.Off && !AttestationPolicy.MayRenewByScep(attestation.Mode, await attestations.OfCertificate(old) is not null, byServer: challenge is not null))
            throw new ScepException(ScepFailInfo.BadCertId, "The certificate is not renewed: it was issued with an attestation, and is renewed with one, by ACME.");
        var now = time.GetUtcNow();
        var certificate = Certify(snapshot, csr, now, old);
        RenewalResult result;
        try
        {
            result = await store.Renew(new RenewalRequest
            {
                PublicKeyHash = csr.PublicKeySha256,
                ChallengeHash = challenge?.Sha256,
                Certificate = Row(snapshot, certificate, now) with { Renews = old, Authority = challenge?.Authority },
                At = now,
            });
        }
        catch (StoreRejectedException e)
        {
            throw new ScepException(ScepFailInfo.BadCertId, "The renewed certificate cannot be stored.", e);
        }
        if (result.Certificate is not { } renewed)
        {
            throw new ScepException(ScepFailInfo.BadCertId, "The certificate is not renewed: " + WhyNotRenewed(result.Outcome));
        }

        LogRenewed(Convert.ToHexStringLower(renewed.Sha256), Convert.ToHexStringLower(old), renewed.NotAfter);
        metrics.CountScep(result.Outcome.ToString());
        return renewed.Der;
    }

    internal static string WhyNotRenewed(RenewalOutcome outcome) => outcome switch
    {
        RenewalOutcome.NeverUsed => "no iPad has enrolled with it.",
        RenewalOutcome.Replaced => "it was replaced; its successor renews.",
        RenewalOutcome.ChallengeUsed => "the challenge was used before, with another key.",
        RenewalOutcome.Withdrawn => "the certificates of its invitation were withdrawn.",
        _ => "its iPad left, was erased or was removed.",
    };

    private IdentityCertificate Certify(AuthoritySnapshot snapshot, CertificateSigningRequest csr, DateTimeOffset now, byte[]? renews = null)
    {
        try
        {
            return snapshot.Ca.IssueIdentity(csr, now, TimeSpan.FromDays(options.Value.CertificateLifetimeDays), renews);
        }
        catch (IdentityException e)
        {
            throw new ScepException(e.Refusal == IdentityRefusal.UnsupportedAlgorithm ? ScepFailInfo.BadAlg : ScepFailInfo.BadRequest, e.Message, e);
        }
    }

    private static IssuedCertificate Row(AuthoritySnapshot snapshot, IdentityCertificate certificate, DateTimeOffset now) => new()
    {
        Sha256 = certificate.Sha256,
        Der = certificate.Der.ToArray(),
        IssuedAt = now,
        NotAfter = certificate.NotAfter,
        Issuer = snapshot.Ca.Certificate.Sha256,
    };

    /// <summary>Null when it is not Base64, or too long.</summary>
    private static byte[]? DecodeQuery(StringValues message)
    {
        // A plus sign that the client did not escape arrives as a blank.
        var text = message.ToString().Replace(' ', '+');
        if (text.Length is 0 or > ScepResponder.MaxMessageBytes / 3 * 4 + 4)
            return null;
        var buffer = new byte[text.Length / 4 * 3 + 3];
        return Convert.TryFromBase64String(text, buffer, out var length) ? buffer[..length] : null;
    }

    private static IResult Refuse(string why) => Results.Text(why, statusCode: StatusCodes.Status400BadRequest);

    [LoggerMessage(3320, LogLevel.Information, "Identity certificate {Sha256} {Outcome}, until {NotAfter:yyyy-MM-dd}.")]
    private partial void LogIssued(IssueOutcome outcome, string sha256, DateTimeOffset notAfter);

    [LoggerMessage(3321, LogLevel.Information, "Identity certificate {Sha256} renews {Old}, until {NotAfter:yyyy-MM-dd}.")]
    private partial void LogRenewed(string sha256, string old, DateTimeOffset notAfter);

    [LoggerMessage(3322, LogLevel.Warning, "SCEP request {Transaction} from {Address} refused with {FailInfo}: {Reason} It was signed with a certificate with {Signer}. This is said once an hour of each address.")]
    private partial void LogRefused(System.Net.IPAddress? address, string transaction, string signer, ScepFailInfo failInfo, string reason);

    [LoggerMessage(3323, LogLevel.Warning, "SCEP message from {Address} refused, {Refusal}: {Reason} This is said once an hour of each address.")]
    private partial void LogUnreadable(System.Net.IPAddress? address, IdentityRefusal refusal, string reason);
}
