using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using FleetMdm.VirtualFleet.IPads;

namespace FleetMdm.VirtualFleet.Enrolment;

/// <summary>
/// The requester's side of SCEP (RFC 8894), as iOS plays it: GetCACaps, GetCACert, PKCSReq (or RenewalReq), and a close look at the answer.
/// </summary>
internal sealed class ScepClient(MdmHttp http, TimeProvider time)
{
    /// <summary>1. Ask what the server can. 2. Get its certificates. 3. Ask for a certificate. 4. Check what came.</summary>
    /// <param name="renews">The identity that the new one replaces; null: there is none.</param>
    /// <exception cref="EnrolmentException">The server refused, or its answer does not hold.</exception>
    public async Task<DeviceIdentity> EnrolAsync(ScepPayload payload, RSA key, DeviceIdentity? renews, CancellationToken cancellation)
    {
        var capabilities = ScepCapabilities.Read(await GetAsync(payload, "GetCACaps", null, cancellation));
        var authority = ScepAuthority.Read(await GetAsync(payload, "GetCACert", payload.Name, cancellation), payload.CaFingerprint);
        if (renews is not null && !capabilities.Renewal)
            renews = null;
        var request = ScepRequest.Create(payload, key, authority.Encryption, capabilities.ContentCipher, time.GetUtcNow(), renews?.Certificate);
        var answer = await SendAsync(payload, request.Message, capabilities.Post, cancellation);
        using var oldKey = renews?.Certificate.GetRSAPrivateKey();
        var certificate = ScepAnswer.Read(answer, request, oldKey ?? key, authority);
        return new DeviceIdentity(certificate.CopyWithPrivateKey(key));
    }

    private async Task<MdmAnswer> GetAsync(ScepPayload payload, string operation, string? message, CancellationToken cancellation)
    {
        var query = $"operation={operation}" + (message is null ? "" : $"&message={Uri.EscapeDataString(message)}");
        var answer = await http.SendPatientlyAsync(HttpMethod.Get, WithQuery(payload.Url, query), null, null, null, cancellation);
        return answer.Success ? answer : throw new EnrolmentException($"SCEP {operation} was answered {answer}.");
    }

    private async Task<MdmAnswer> SendAsync(ScepPayload payload, byte[] message, bool post, CancellationToken cancellation)
    {
        var answer = post
            ? await http.SendPatientlyAsync(HttpMethod.Post, WithQuery(payload.Url, "operation=PKIOperation"), "application/x-pki-message",
                message, null, cancellation)
            : await http.SendPatientlyAsync(HttpMethod.Get,
                WithQuery(payload.Url, $"operation=PKIOperation&message={Uri.EscapeDataString(Convert.ToBase64String(message))}"),
                null, null, null, cancellation);
        return answer.Success ? answer : throw new EnrolmentException($"SCEP PKIOperation was answered {answer}.");
    }

    private static Uri WithQuery(Uri url, string query) =>
        new(url.AbsoluteUri + (url.Query.Length == 0 ? "?" : "&") + query);
}

/// <summary>GetCACaps' lines, as far as they matter to a requester. A capability not named is not there.</summary>
internal sealed record ScepCapabilities(bool Post, bool Renewal, Oid ContentCipher)
{
    private static readonly Oid Aes128Cbc = new("2.16.840.1.101.3.4.1.2");

    public static ScepCapabilities Read(MdmAnswer answer)
    {
        var lines = Encoding.ASCII.GetString(answer.Body).Split(['\r', '\n'], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var standard = lines.Contains("SCEPStandard", StringComparer.OrdinalIgnoreCase);
        bool Has(string name) => standard || lines.Contains(name, StringComparer.OrdinalIgnoreCase);
        if (!Has("AES") || !(Has("SHA-256") || Has("SHA-512")))
            throw new EnrolmentException("The SCEP server names neither SCEPStandard nor AES with SHA-256; this iPad uses nothing older.");
        return new ScepCapabilities(Has("POSTPKIOperation"), lines.Contains("Renewal", StringComparer.OrdinalIgnoreCase), Aes128Cbc);
    }
}

/// <summary>GetCACert's certificates: the CA, and the one (CA or RA) that requests are encrypted to.</summary>
internal sealed record ScepAuthority(X509Certificate2 Ca, X509Certificate2 Encryption, X509Certificate2Collection All)
{
    public static ScepAuthority Read(MdmAnswer answer, byte[]? fingerprint)
    {
        X509Certificate2Collection all;
        try
        {
            all = answer.MediaType switch
            {
                "application/x-x509-ca-cert" => [X509CertificateLoader.LoadCertificate(answer.Body)],
                "application/x-x509-ca-ra-cert" => Degenerate(answer.Body),
                _ => throw new EnrolmentException($"GetCACert came as '{answer.MediaType}'."),
            };
        }
        catch (CryptographicException e)
        {
            throw new EnrolmentException($"GetCACert holds no certificates: {e.Message}", e);
        }
        var ca = all.FirstOrDefault(IsCa) ?? throw new EnrolmentException("GetCACert holds no CA certificate.");
        if (fingerprint is not null && !Matches(ca, fingerprint))
            throw new EnrolmentException("The CA of GetCACert is not the one that CAFingerprint names.");
        var encryption = all.FirstOrDefault(certificate => !IsCa(certificate) && MayEncrypt(certificate)) ?? ca;
        if (encryption.GetRSAPublicKey() is null)
            throw new EnrolmentException("GetCACert holds no RSA certificate to encrypt the request to.");
        return new ScepAuthority(ca, encryption, all);
    }

    private static X509Certificate2Collection Degenerate(byte[] body)
    {
        var cms = new SignedCms();
        cms.Decode(body);
        return cms.Certificates;
    }

    internal static bool IsCa(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509BasicConstraintsExtension>().Any(extension => extension.CertificateAuthority);

    private static bool MayEncrypt(X509Certificate2 certificate) =>
        certificate.Extensions.OfType<X509KeyUsageExtension>()
            .All(extension => (extension.KeyUsages & X509KeyUsageFlags.KeyEncipherment) != 0);

    /// <summary>Apple documents SHA-1 and MD5 fingerprints; the length tells which, and SHA-256 is taken too.</summary>
    private static bool Matches(X509Certificate2 ca, byte[] fingerprint)
    {
        var algorithm = fingerprint.Length switch
        {
            16 => HashAlgorithmName.MD5,
            20 => HashAlgorithmName.SHA1,
            32 => HashAlgorithmName.SHA256,
            _ => throw new EnrolmentException($"CAFingerprint has {fingerprint.Length} bytes."),
        };
        return ca.GetCertHash(algorithm).AsSpan().SequenceEqual(fingerprint);
    }
}
