using System.Buffers.Text;
using System.Formats.Cbor;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet.IPads;

namespace FleetMdm.VirtualFleet.Enrolment;

/// <summary>
/// The requester's side of ACME (RFC 8555) with the challenge device-attest-01, as an iPad plays it: an account with a key of its own, an order for its client identifier, an attestation
/// for the challenge, and a certificate. Each step can be made alone, and wrongly, by tests of a server.
/// </summary>
public sealed class AcmeClient : IDisposable
{
    private const string JoseType = "application/jose+json";
    private const int Tries = 3;

    private readonly MdmHttp _http;
    private readonly ECDsa _account;
    private readonly ECDsaCurve _curve;
    private JsonObject? _directory;
    private string? _nonce;

    private sealed record ECDsaCurve(string Name, string Algorithm, int Bytes, HashAlgorithmName Hash);

    internal AcmeClient(MdmHttp http, ECDsa? account = null)
    {
        _http = http;
        _account = account ?? ECDsa.Create(ECCurve.NamedCurves.nistP256);
        _curve = _account.KeySize == 384 ? new ECDsaCurve("P-384", "ES384", 48, HashAlgorithmName.SHA384) : new ECDsaCurve("P-256", "ES256", 32, HashAlgorithmName.SHA256);
    }

    /// <summary>The URL of the account; null: there is none yet.</summary>
    public string? KeyId { get; private set; }

    /// <summary>The nonce of the last answer, for the next request.</summary>
    public string? Nonce => _nonce;

    /// <summary>1. Directory, nonce. 2. Account. 3. Order. 4. Attest for the challenge. 5. Ask for the certificate. 6. Fetch it, and look whether it is for this key.</summary>
    /// <param name="payload">What the profile says.</param>
    /// <param name="key">From the Secure Enclave.</param>
    /// <param name="attest">The chain for what the attestation is to be made for; null: the iPad has none.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="EnrolmentException">The server refused.</exception>
    public async Task<DeviceIdentity> EnrolAsync(AcmePayload payload, ECDsa key, Func<byte[], IReadOnlyList<byte[]>?> attest, CancellationToken cancellation)
    {
        await OpenAsync(payload.Directory, cancellation);
        await NewAccountAsync(cancellation);
        var order = await NewOrderAsync(payload.ClientIdentifier, cancellation);
        var authorization = await FetchAsync((string)order.Body["authorizations"]![0]!, cancellation);
        var challenge = authorization["challenges"]!.AsArray().Select(one => one!.AsObject()).FirstOrDefault(one => (string?)one["type"] == "device-attest-01")
            ?? throw new EnrolmentException("The server has no challenge device-attest-01.");
        var answered = Good(await PostAsync((string)challenge["url"]!, AnswerTo(challenge, attest), cancellation), "the attestation");
        if ((string?)answered["status"] != "valid")
            throw new EnrolmentException($"The attestation was refused: {(string?)answered["error"]?["detail"]}");
        return await FinishAsync(order, key, cancellation);
    }

    /// <summary>Step 1.</summary>
    public async Task OpenAsync(Uri directory, CancellationToken cancellation = default)
    {
        var answer = await _http.SendPatientlyAsync(HttpMethod.Get, directory, null, null, null, cancellation);
        _directory = answer.Success ? JsonNode.Parse(answer.Body)!.AsObject() : throw new EnrolmentException($"The ACME directory was answered {answer}.");
        var nonce = await _http.SendPatientlyAsync(HttpMethod.Head, new Uri((string)_directory["newNonce"]!), null, null, null, cancellation);
        _nonce = nonce.ReplayNonce ?? throw new EnrolmentException($"newNonce was answered {nonce}.");
    }

    /// <summary>Step 2.</summary>
    public async Task NewAccountAsync(CancellationToken cancellation = default)
    {
        var answer = await PostAsync((string)_directory!["newAccount"]!, new JsonObject { ["termsOfServiceAgreed"] = true }, cancellation);
        Good(answer, "a new account");
        KeyId = answer.Location ?? throw new EnrolmentException("The account has no URL.");
    }

    /// <summary>Step 3.</summary>
    public async Task<(string Url, JsonObject Body)> NewOrderAsync(string identifier, CancellationToken cancellation = default)
    {
        var answer = await TryOrderAsync(identifier, cancellation);
        return (answer.Location ?? "", Good(answer, "a new order"));
    }

    public Task<MdmAnswer> TryOrderAsync(string identifier, CancellationToken cancellation = default) => PostAsync(
        (string)_directory!["newOrder"]!,
        new JsonObject { ["identifiers"] = new JsonArray(new JsonObject { ["type"] = "permanent-identifier", ["value"] = identifier }) }, cancellation);

    /// <summary>The answer to a challenge.</summary>
    public static JsonObject AnswerTo(JsonObject challenge, Func<byte[], IReadOnlyList<byte[]>?> attest) =>
        attest(SHA256.HashData(Encoding.ASCII.GetBytes((string)challenge["token"]!))) is { } chain
            ? new JsonObject { ["attObj"] = Base64Url.EncodeToString(Statement(chain)) }
            : new JsonObject { ["error"] = "DEVICE_NOT_SUPPORTED" };

    /// <summary>An attestation object in the format "apple".</summary>
    public static byte[] Statement(IReadOnlyList<byte[]> chain, string format = "apple")
    {
        var writer = new CborWriter();
        writer.WriteStartMap(2);
        writer.WriteTextString("fmt");
        writer.WriteTextString(format);
        writer.WriteTextString("attStmt");
        writer.WriteStartMap(1);
        writer.WriteTextString("x5c");
        writer.WriteStartArray(chain.Count);
        foreach (var certificate in chain)
            writer.WriteByteString(certificate);
        writer.WriteEndArray();
        writer.WriteEndMap();
        writer.WriteEndMap();
        return writer.Encode();
    }

    /// <summary>Steps 5 and 6.</summary>
    public async Task<DeviceIdentity> FinishAsync((string Url, JsonObject Body) order, ECDsa key, CancellationToken cancellation = default)
    {
        var done = Good(await FinalizeAsync((string)order.Body["finalize"]!, key, cancellation), "the certificate");
        var answer = await PostAsync((string)done["certificate"]!, null, cancellation);
        if (!answer.Success || answer.MediaType != "application/pem-certificate-chain")
            throw new EnrolmentException($"The certificate was answered {answer}.");
        using var certificate = X509Certificate2.CreateFromPem(Encoding.ASCII.GetString(answer.Body));
        if (!certificate.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(key.ExportSubjectPublicKeyInfo()))
            throw new EnrolmentException("The certificate is for another key.");
        return new DeviceIdentity(certificate.CopyWithPrivateKey(key));
    }

    public Task<MdmAnswer> FinalizeAsync(string url, ECDsa key, CancellationToken cancellation = default) =>
        PostAsync(url, new JsonObject { ["csr"] = Base64Url.EncodeToString(new CertificateRequest("CN=iPad", key, HashAlgorithmName.SHA256).CreateSigningRequest()) }, cancellation);

    /// <summary>POST-as-GET.</summary>
    public async Task<JsonObject> FetchAsync(string url, CancellationToken cancellation = default) => Good(await PostAsync(url, null, cancellation), url);

    /// <summary>Signs and sends; with another nonce when the server wants one.</summary>
    /// <param name="url">Where to.</param>
    /// <param name="payload">Null: POST-as-GET.</param>
    /// <param name="cancellation">Ends it.</param>
    public async Task<MdmAnswer> PostAsync(string url, JsonObject? payload, CancellationToken cancellation = default)
    {
        for (var attempt = 1; ; attempt++)
        {
            var answer = await SendAsync(url, Sign(url, payload, _nonce ?? ""), cancellation);
            if (attempt == Tries || answer.Status != 400 || Problem(answer) != "badNonce")
                return answer;
        }
    }

    /// <summary>Sends what was signed, as it is, once.</summary>
    public async Task<MdmAnswer> SendAsync(string url, byte[] body, CancellationToken cancellation = default)
    {
        var answer = await _http.SendPatientlyAsync(HttpMethod.Post, new Uri(url), JoseType, body, null, cancellation);
        _nonce = answer.ReplayNonce ?? _nonce;
        return answer;
    }

    /// <summary>A request. The header may be changed before it is signed.</summary>
    public byte[] Sign(string url, JsonObject? payload, string nonce, Action<JsonObject>? change = null)
    {
        var header = new JsonObject { ["alg"] = _curve.Algorithm, ["nonce"] = nonce, ["url"] = url };
        if (KeyId is { } id)
            header["kid"] = id;
        else
            header["jwk"] = Jwk();
        change?.Invoke(header);
        var protectedPart = Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header.ToJsonString()));
        var payloadPart = payload is null ? "" : Base64Url.EncodeToString(Encoding.UTF8.GetBytes(payload.ToJsonString()));
        var signature = _account.SignData(Encoding.ASCII.GetBytes($"{protectedPart}.{payloadPart}"), _curve.Hash, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
        return JsonSerializer.SerializeToUtf8Bytes(new JsonObject { ["protected"] = protectedPart, ["payload"] = payloadPart, ["signature"] = Base64Url.EncodeToString(signature) });
    }

    public JsonObject Jwk()
    {
        var point = _account.ExportParameters(includePrivateParameters: false).Q;
        return new JsonObject { ["kty"] = "EC", ["crv"] = _curve.Name, ["x"] = Base64Url.EncodeToString(point.X!), ["y"] = Base64Url.EncodeToString(point.Y!) };
    }

    /// <summary>The last part of the problem's type; null: it is none.</summary>
    public static string? Problem(MdmAnswer answer) =>
        answer.MediaType == "application/problem+json" && (string?)JsonNode.Parse(answer.Body)?["type"] is { } type ? type[(type.LastIndexOf(':') + 1)..] : null;

    public void Dispose() => _account.Dispose();

    private static JsonObject Good(MdmAnswer answer, string what) =>
        answer.Success ? JsonNode.Parse(answer.Body)!.AsObject() : throw new EnrolmentException($"ACME, {what}: the server answered {answer}: {Encoding.UTF8.GetString(answer.Body)}");
}
