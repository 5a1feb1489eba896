using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FleetMdm.Api.Enrolment;
using FleetMdm.Api.Hosting;
using FleetMdm.Protocol.Attestation;
using FleetMdm.Protocol.Identity;
using FleetMdm.Storage.Attestation;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Secrets;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Attestation;

/// <summary>
/// ACME (RFC 8555) with the challenge <c>device-attest-01</c> (draft-ietf-acme-device-attest): an iPad gets its identity certificate for a key in its Secure Enclave, for which Apple
/// vouches. A request goes this way:
/// </summary>
/// <remarks>
/// <code>
/// 1. body       bounded, of the right kind                                            malformed (413, 415)
/// 2. read       JWS, JSON; a key or an account, and not both                          malformed
/// 3. address    the URL that was signed is the one that was asked                     unauthorized
/// 4. nonce      ours, and not ended                                                   badNonce
/// 5. account    ours                                                                  accountDoesNotExist
/// 6. signature  it holds, with the algorithm of the key                               malformed, badSignatureAlgorithm
/// 7. once       the nonce was not used before                                         badNonce
/// 8. order      of this account                                                       unauthorized
/// 9. work       an account, an order, an attestation, a certificate
/// </code>
/// Accounts are not stored: the URL of one is its key, sealed (<see cref="AcmeTokens"/>). Who has no client identifier of ours leaves a used nonce behind, for a quarter of an hour, and
/// nothing else. An order is bound to one client identifier, which an enrolment profile carries: it stands for one invitation, or one certificate to renew, and where the iPad has proved
/// who it is, for that iPad. What a wrong attestation ends is that order: the iPad installs the profile again, and begins another one.
/// </remarks>
public sealed partial class AcmeEndpoint(
    EnrolmentAuthority authority,
    IEnrolmentStore enrolments,
    IAttestationStore store,
    DeviceAttestations attestations,
    SecretSealer sealer,
    IOptions<MdmOptions> mdm,
    IOptions<ScepOptions> scep,
    EnrolmentMetrics metrics,
    ClientAddress clients,
    TimeProvider time,
    ILogger<AcmeEndpoint> logger)
{
    private const string JoseType = "application/jose+json";
    private const string ProblemType = "application/problem+json";
    private const string ChainType = "application/pem-certificate-chain";
    private const string IdentifierPurpose = "acme-identifier";
    private const int OrderBytes = 16;
    private const int TokenBytes = 32;

    /// <summary>A request for a certificate of a key on P-256 has some 400 bytes.</summary>
    private const int MaxCsrBytes = 8 * 1024;

    private const int LongestIdentifier = 1_024;
    private const int LongestWords = 200;

    private readonly OncePerHour _told = new(time);

    private Uri Server => mdm.Value.PublicUri;

    public IResult Directory() => Results.Text(AcmeAnswers.OfDirectory(Server).ToJsonString(), "application/json");

    public async Task<IResult> NewNonce(HttpContext context)
    {
        await SetNonce(context);
        return HttpMethods.IsHead(context.Request.Method) ? Results.Ok() : Results.NoContent();
    }

    public Task<IResult> NewAccount(HttpContext context) => Answer(context, newAccount: true, (request, _) =>
    {
        using (var payload = request.Message.ReadPayload())
        {
            // None is kept, so there is none that stands already.
            if (payload.RootElement.TryGetProperty("onlyReturnExisting", out var only) && only.ValueKind == JsonValueKind.True)
                throw new AcmeException(AcmeProblem.AccountDoesNotExist, "There is no such account.");
        }

        context.Response.Headers.Location = AcmeAnswers.At(Server, AcmeAnswers.Account + AcmeTokens.CreateAccount(request.Authority.ChallengeKey, request.Account));
        return Task.FromResult(Json(new JsonObject { ["status"] = "valid" }, StatusCodes.Status201Created));
    });

    public Task<IResult> NewOrder(HttpContext context) => Answer(context, newAccount: false, async (request, now) =>
    {
        var identifier = ReadIdentifier(request.Message);
        var challenge = OneTimeChallenge.Verify(request.Authority.ChallengeKey, identifier, now, ChallengeKind.Attested)
            ?? OneTimeChallenge.Verify(request.Authority.ChallengeKey, identifier, now, ChallengeKind.ManyAttested)?.With(request.Account.Sha256)
            ?? throw new AcmeException(AcmeProblem.RejectedIdentifier, "The client identifier is not of this server, or has ended: fetch a new enrolment profile.");
        var ends = now.AddMinutes(scep.Value.ChallengeLifetimeMinutes);
        var order = await store.Begin(new AttestedOrder
        {
            Id = Random(OrderBytes),
            ChallengeHash = challenge.Sha256,
            SealedIdentifier = sealer.Seal(IdentifierPurpose, Encoding.UTF8.GetBytes(identifier)),
            Account = request.Account.Sha256,
            InvitationId = challenge.InvitationId,
            Renews = challenge.Renews,
            Authority = challenge.Authority,
            Udid = challenge.Device?.Udid,
            SerialNumber = challenge.Device?.SerialNumber,
            Token = Random(TokenBytes),
            CreatedAt = now,
            // One that is for many is good as long as its invitation; the order is not.
            ExpiresAt = challenge.ExpiresAt < ends ? challenge.ExpiresAt : ends,
        }) ?? throw new AcmeException(AcmeProblem.RejectedIdentifier, "The client identifier was used before, with another key: fetch a new enrolment profile.");
        context.Response.Headers.Location = AcmeAnswers.At(Server, AcmeAnswers.Order + order.Id);
        return Json(AcmeAnswers.OfOrder(Server, order, identifier), StatusCodes.Status201Created);
    });

    public Task<IResult> Order(HttpContext context, string id) => OfOrder(context, id, (_, order, _) => Task.FromResult(Json(AcmeAnswers.OfOrder(Server, order, IdentifierOf(order)))), asGet: true);

    public Task<IResult> Authorization(HttpContext context, string id) => OfOrder(context, id, (_, order, _) => Task.FromResult(Json(AcmeAnswers.OfAuthorization(Server, order, IdentifierOf(order)))), asGet: true);

    /// <summary>The iPad shows its attestation. A second answer changes nothing: it is told how the challenge stands.</summary>
    public Task<IResult> Challenge(HttpContext context, string id) => OfOrder(context, id, async (request, order, now) =>
    {
        if (order.State == AttestedOrderState.Pending && request.Message.Payload.Length > 0)
        {
            order = await store.Settle(await Attest(request.Message, order, now)) ?? throw Gone();
            if (order.State == AttestedOrderState.Invalid)
            {
                metrics.CountAcme("BadAttestation");
                if (_told.IsDue(clients.Of(context))) LogBadAttestation(clients.Of(context), order.SerialNumber, order.Problem!);
            }
        }

        context.Response.Headers.Append("Link", $"<{AcmeAnswers.At(Server, AcmeAnswers.Authorization + order.Id)}>;rel=\"up\"");
        return Json(AcmeAnswers.OfChallenge(Server, order));
    });

    /// <summary>The certificate is issued and stored, and only then answered. The same request again gets the same certificate.</summary>
    public Task<IResult> Finalize(HttpContext context, string id) => OfOrder(context, id, async (request, order, now) =>
    {
        if (order.State is not (AttestedOrderState.Ready or AttestedOrderState.Valid))
            throw new AcmeException(AcmeProblem.OrderNotReady, order.State == AttestedOrderState.Invalid ? "The attestation was refused." : "The challenge has not been answered.");
        var csr = ReadCsr(request.Message);
        if (!csr.PublicKeySha256.AsSpan().SequenceEqual(order.KeyHash))
            throw new AcmeException(AcmeProblem.BadCsr, "The request is for another key than the one that was attested.");
        if (order.State == AttestedOrderState.Ready)
        {
            var certificate = await Issue(request.Authority, order, csr, now);
            order = await store.Complete(order.Id, certificate.Sha256) ?? throw Gone();
            LogIssued(order.Attested!.SerialNumber, order.Attested.Udid, Convert.ToHexStringLower(certificate.Sha256), certificate.NotAfter);
        }

        return Json(AcmeAnswers.OfOrder(Server, order, IdentifierOf(order)));
    });

    public Task<IResult> Certificate(HttpContext context, string id) => OfOrder(context, id, async (_, order, _) =>
    {
        if (order is not { State: AttestedOrderState.Valid, Certificate: { } sha256 } || await enrolments.FindIssued(sha256) is not { } der)
            throw new AcmeException(AcmeProblem.OrderNotReady, "There is no certificate yet.");
        var chain = new StringBuilder(PemEncoding.WriteString("CERTIFICATE", der)).Append('\n');
        var issuer = (await authority.Get()).OwnCas.FirstOrDefault(ca => IdentityCertificate.Parse(der).Issuer.Span.SequenceEqual(ca.Subject.Span));
        if (issuer is not null) chain.Append(PemEncoding.WriteString("CERTIFICATE", issuer.Der.Span)).Append('\n');
        return Results.Text(chain.ToString(), ChainType);
    }, asGet: true);

    private sealed record Request(AcmeMessage Message, AcmeKey Account, AuthoritySnapshot Authority);

    private Task<IResult> OfOrder(HttpContext context, string id, Func<Request, AttestedOrder, DateTimeOffset, Task<IResult>> work, bool asGet = false) => Answer(context, newAccount: false, async (request, now) =>
    {
        if (asGet && request.Message.Payload.Length > 0) throw new AcmeException(AcmeProblem.Malformed, "This is read with an empty payload (POST-as-GET).");
        // 8
        var order = id.Length <= LongestWords && OneTimeChallenge.IsInvitationId(id) ? await store.FindOrder(id) : null;
        if (order is null || !CryptographicOperations.FixedTimeEquals(order.Account, request.Account.Sha256)) throw new AcmeException(AcmeProblem.Unauthorized, "This account has no such order.");
        if (order.ExpiresAt < now) throw new AcmeException(AcmeProblem.Unauthorized, "The order has ended: fetch a new enrolment profile.");
        // 9
        return await work(request, order, now);
    });

    private async Task<IResult> Answer(HttpContext context, bool newAccount, Func<Request, DateTimeOffset, Task<IResult>> work)
    {
        await SetNonce(context);
        try
        {
            // 1
            if (context.Request.ContentType?.Split(';')[0].Trim().Equals(JoseType, StringComparison.OrdinalIgnoreCase) != true)
                return Refuse(context, AcmeProblem.Malformed, $"A request must have the Content-Type {JoseType}.", StatusCodes.Status415UnsupportedMediaType);
            if (await BoundedBody.Read(context.Request, AcmeMessage.MaxBytes) is not { } body)
                return Refuse(context, AcmeProblem.Malformed, $"A request has at most {AcmeMessage.MaxBytes} bytes.", StatusCodes.Status413PayloadTooLarge);

            // 2 to 7
            var now = time.GetUtcNow();
            var request = await Check(context, AcmeMessage.Read(body), newAccount, now);
            var answer = await work(request, now);
            metrics.CountAcme("Answered");
            return answer;
        }
        catch (AcmeException e)
        {
            return Refuse(context, e.Problem, e.Message, e.Problem is AcmeProblem.Unauthorized or AcmeProblem.OrderNotReady ? StatusCodes.Status403Forbidden : StatusCodes.Status400BadRequest);
        }
    }

    private async Task<Request> Check(HttpContext context, AcmeMessage message, bool newAccount, DateTimeOffset now)
    {
        var snapshot = await authority.Get();
        // 3
        if (message.Url != AcmeAnswers.At(Server, context.Request.Path.ToUriComponent())) throw new AcmeException(AcmeProblem.Unauthorized, "The URL that was signed is another one than the one that was asked.");

        // 4
        var nonce = AcmeTokens.ReadNonce(snapshot.ChallengeKey, message.Nonce, now) ?? throw BadNonce();

        // 5
        AcmeKey account;
        if (newAccount)
        {
            account = message.Key ?? throw new AcmeException(AcmeProblem.Malformed, "A new account is asked for with its key (jwk).");
        }
        else
        {
            var prefix = AcmeAnswers.At(Server, AcmeAnswers.Account);
            if (message.KeyId is not { } id) throw new AcmeException(AcmeProblem.Malformed, "This is asked for by an account (kid).");
            account = (id.StartsWith(prefix, StringComparison.Ordinal) ? AcmeTokens.ReadAccount(snapshot.ChallengeKey, id[prefix.Length..]) : null)
                ?? throw new AcmeException(AcmeProblem.AccountDoesNotExist, "There is no such account.");
        }

        // 6
        message.CheckSignature(account);

        // 7
        if (!await enrolments.Spend(nonce.Sha256, nonce.ExpiresAt)) throw BadNonce();
        return new Request(message, account, snapshot);
    }

    private static string ReadIdentifier(AcmeMessage message)
    {
        using var payload = message.ReadPayload();
        var root = payload.RootElement;
        if (root.TryGetProperty("notBefore", out _) || root.TryGetProperty("notAfter", out _)) throw new AcmeException(AcmeProblem.Malformed, "The server decides how long a certificate lives.");
        if (!root.TryGetProperty("identifiers", out var identifiers) || identifiers.ValueKind != JsonValueKind.Array || identifiers.GetArrayLength() != 1)
            throw new AcmeException(AcmeProblem.Malformed, "An order has one identifier.");
        if (AcmeMessage.Text(identifiers[0], "type") != AcmeAnswers.IdentifierType)
            throw new AcmeException(AcmeProblem.UnsupportedIdentifier, $"The identifier must be of the type {AcmeAnswers.IdentifierType}.");
        return AcmeMessage.Text(identifiers[0], "value", LongestIdentifier) ?? throw new AcmeException(AcmeProblem.RejectedIdentifier, "The identifier has no value, or a longer one than any of this server.");
    }

    private static CertificateSigningRequest ReadCsr(AcmeMessage message)
    {
        using var payload = message.ReadPayload();
        try
        {
            return CertificateSigningRequest.Parse(AcmeMessage.Bytes(payload.RootElement, "csr", MaxCsrBytes), WeakestHash.Sha256);
        }
        catch (IdentityException e)
        {
            throw new AcmeException(AcmeProblem.BadCsr, e.Message, e);
        }
    }

    /// <summary>The order as the attestation leaves it: ready, or invalid with the reason.</summary>
    private async Task<AttestedOrder> Attest(AcmeMessage message, AttestedOrder order, DateTimeOffset now)
    {
        using var payload = message.ReadPayload();
        try
        {
            if (AcmeMessage.Text(payload.RootElement, "attObj", AcmeMessage.MaxBytes) is null)
            {
                var words = AcmeMessage.Text(payload.RootElement, "error") is { } said ? $", and said: {Shown(said)}" : "";
                throw new AttestationException($"The iPad sent no attestation{words}.");
            }

            var chain = AttestationStatement.Read(AcmeMessage.Bytes(payload.RootElement, "attObj", AttestationStatement.MaxBytes));
            var attested = attestations.Check(chain, now);
            if (!attested.IsFor(SHA256.HashData(Encoding.UTF8.GetBytes(order.Token)))) throw new AttestationException("The attestation was made for something else than this challenge.");
            return order with
            {
                State = AttestedOrderState.Ready,
                Attested = await PropertiesFor(order, attested, now),
                KeyHash = attested.PublicKeySha256,
                Leaf = attested.Leaf.Der.ToArray(),
            };
        }
        catch (AttestationException e)
        {
            return order with { State = AttestedOrderState.Invalid, Problem = e.Message };
        }
    }

    /// <summary>Who it is: the iPad that the order is for, or where it is for none, the one that the attestation names.</summary>
    /// <exception cref="AttestationException">Another one.</exception>
    private async Task<AttestedProperties> PropertiesFor(AttestedOrder order, AttestedDevice attested, DateTimeOffset now)
    {
        if (attested.SerialNumber is null) throw new AttestationException("The attestation does not name a serial number.");
        if (order.SerialNumber is { } serial && !serial.Equals(attested.SerialNumber, StringComparison.OrdinalIgnoreCase))
            throw new AttestationException($"The attestation is of the iPad {Shown(attested.SerialNumber)}, and the profile was made for {serial}.");
        // Apple may leave the UDID out: then that of the profile's iPad counts, whose serial number is proved.
        if (ProvenDevice.Of(attested.Udid ?? order.Udid, attested.SerialNumber) is not { } device) throw new AttestationException("The attestation names no UDID and serial number that an iPad can have.");
        if (order.Udid is { } udid && !udid.Equals(device.Udid, StringComparison.OrdinalIgnoreCase))
            throw new AttestationException($"The attestation is of the UDID {device.Udid}, and the profile was made for {udid}.");
        if (order.InvitationId is { } id && await enrolments.FindInvitation(id) is { OnlyFor: { } only }
            && !only.Contains(device.SerialNumber, StringComparer.OrdinalIgnoreCase) && !only.Contains(device.Udid, StringComparer.OrdinalIgnoreCase))
            throw new AttestationException("The invitation is for another iPad.");
        return new AttestedProperties
        {
            Udid = device.Udid,
            SerialNumber = device.SerialNumber,
            OsVersion = attested.OsVersion,
            SepOsVersion = attested.SepOsVersion,
            SoftwareUpdateDeviceId = attested.SoftwareUpdateDeviceId,
            ProvedAt = now,
        };
    }

    private async Task<IssuedCertificate> Issue(AuthoritySnapshot snapshot, AttestedOrder order, CertificateSigningRequest csr, DateTimeOffset now)
    {
        IdentityCertificate certificate;
        try
        {
            certificate = snapshot.Ca.IssueIdentity(csr, now, TimeSpan.FromDays(scep.Value.CertificateLifetimeDays), order.Renews);
        }
        catch (IdentityException e)
        {
            throw new AcmeException(AcmeProblem.BadCsr, e.Message, e);
        }

        var row = new IssuedCertificate
        {
            Sha256 = certificate.Sha256,
            Der = certificate.Der.ToArray(),
            IssuedAt = now,
            NotAfter = certificate.NotAfter,
            Issuer = snapshot.Ca.Certificate.Sha256,
            Authority = order.Authority,
        };
        if (order.Renews is { } old)
        {
            var renewed = await enrolments.Renew(new RenewalRequest { PublicKeyHash = csr.PublicKeySha256, ChallengeHash = order.ChallengeHash, Certificate = row with { Renews = old }, At = now });
            metrics.CountAcme(renewed.Outcome.ToString());
            return renewed.Certificate ?? throw new AcmeException(AcmeProblem.Unauthorized, "The certificate is not renewed: " + ScepEndpoint.WhyNotRenewed(renewed.Outcome));
        }

        var issued = await enrolments.Issue(new IssueRequest
        {
            ChallengeHash = order.ChallengeHash,
            PublicKeyHash = csr.PublicKeySha256,
            Certificate = row with { InvitationId = order.InvitationId, Proven = new ProvenIPad(order.Attested!.Udid, order.Attested.SerialNumber) },
            At = now,
        });
        metrics.CountAcme(issued.Outcome.ToString());
        return issued.Outcome switch
        {
            IssueOutcome.Issued or IssueOutcome.IssuedBefore => issued.Certificate!,
            IssueOutcome.ChallengeUsed => throw new AcmeException(AcmeProblem.Unauthorized, "The client identifier was used before, with another key: fetch a new enrolment profile."),
            _ => throw new AcmeException(AcmeProblem.Unauthorized, "The invitation is revoked, expired, or used up."),
        };
    }

    /// <summary>As the iPad named it. What was sealed under a master key of before is not told.</summary>
    private string IdentifierOf(AttestedOrder order)
    {
        try
        {
            return Encoding.UTF8.GetString(sealer.Open(IdentifierPurpose, order.SealedIdentifier));
        }
        catch (CryptographicException)
        {
            return order.SerialNumber ?? "";
        }
    }

    private async Task SetNonce(HttpContext context)
    {
        context.Response.Headers["Replay-Nonce"] = AcmeTokens.CreateNonce((await authority.Get()).ChallengeKey, time.GetUtcNow());
        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.Append("Link", $"<{AcmeAnswers.At(Server, AcmeAnswers.Directory)}>;rel=\"index\"");
    }

    private IResult Refuse(HttpContext context, AcmeProblem problem, string why, int status)
    {
        metrics.CountAcme(problem.ToString());
        if (problem != AcmeProblem.BadNonce && _told.IsDue(clients.Of(context))) LogRefused(clients.Of(context), problem, why);
        var answer = AcmeAnswers.Problem(problem, why);
        answer["status"] = status;
        if (problem == AcmeProblem.BadSignatureAlgorithm) answer["algorithms"] = new JsonArray([.. AcmeKey.Algorithms.Select(algorithm => JsonValue.Create(algorithm))]);
        return Results.Text(answer.ToJsonString(), ProblemType, statusCode: status);
    }

    private static IResult Json(JsonObject answer, int status = StatusCodes.Status200OK) => Results.Text(answer.ToJsonString(), "application/json", statusCode: status);

    private static string Random(int bytes) => System.Buffers.Text.Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(bytes));

    private static string Shown(string text) => new([.. text.Take(LongestWords).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? ' ' : c)]);

    private static AcmeException BadNonce() => new(AcmeProblem.BadNonce, "The nonce is not of this server, has ended, or was used before. Try again with the one in this answer.");

    private static AcmeException Gone() => new(AcmeProblem.Unauthorized, "Another order has taken the place of this one.");

    [LoggerMessage(2860, LogLevel.Information, "iPad {SerialNumber} ({Udid}) attested by Apple; identity certificate {Sha256} issued, until {NotAfter:yyyy-MM-dd}.")]
    private partial void LogIssued(string serialNumber, string udid, string sha256, DateTimeOffset notAfter);

    [LoggerMessage(2861, LogLevel.Warning, "An attestation from {Address} was refused; the profile was made for {SerialNumber}: {Reason} This is said once an hour of each address.")]
    private partial void LogBadAttestation(System.Net.IPAddress? address, string? serialNumber, string reason);

    [LoggerMessage(2862, LogLevel.Warning, "A request of ACME from {Address} was refused, {Problem}: {Reason} This is said once an hour of each address.")]
    private partial void LogRefused(System.Net.IPAddress? address, AcmeProblem problem, string reason);
}
