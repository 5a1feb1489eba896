using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Push;

/// <summary>Signs requests for push certificates with an MDM vendor certificate of Apple's, in the form that Apple's portal takes: a property list with
/// the request, the signature over it and the vendor's chain, as Base64.</summary>
public sealed class PushRequestSigner : IDisposable
{
    private const int MostCertificates = 8;

    private readonly X509Certificate2 _vendor;
    private readonly RSA _key;
    private readonly string _chain;

    private PushRequestSigner(X509Certificate2 vendor, RSA key, string chain) => (_vendor, _key, _chain) = (vendor, key, chain);

    public string Subject => _vendor.Subject;

    public DateTimeOffset NotAfter => new(_vendor.NotAfter.ToUniversalTime());

    /// <param name="pem">The vendor certificate with its key, and Apple's certificates up to the root, in any order.</param>
    /// <exception cref="PushCertificateException">They do not belong together, or one is missing.</exception>
    public static PushRequestSigner Read(string pem)
    {
        var (certificate, key) = PushCertificateFile.ReadPem(System.Text.Encoding.UTF8.GetBytes(pem), password: null);
        if (key is not RSA rsa)
        {
            key.Dispose();
            certificate.Dispose();
            throw new PushCertificateException(PushCertificateProblem.UnsupportedKey, "The vendor's key is not RSA.");
        }

        try
        {
            using var own = certificate.GetRSAPublicKey();
            if (own is null || !own.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(rsa.ExportSubjectPublicKeyInfo()))
                throw new PushCertificateException(PushCertificateProblem.KeyDoesNotMatch, "The private key does not belong to a certificate in the file.");
            return new PushRequestSigner(certificate, rsa, Chain(certificate, pem));
        }
        catch
        {
            rsa.Dispose();
            certificate.Dispose();
            throw;
        }
    }

    /// <summary>What is uploaded at identity.apple.com/pushcert.</summary>
    /// <param name="request">PKCS#10, DER.</param>
    public string Sign(byte[] request)
    {
        var plist = new PlistDictionary
        {
            ["PushCertRequestCSR"] = Convert.ToBase64String(request),
            ["PushCertCertificateChain"] = _chain,
            ["PushCertSignature"] = Convert.ToBase64String(_key.SignData(request, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)),
        };
        return Convert.ToBase64String(PlistWriter.ToBytes(plist));
    }

    public void Dispose()
    {
        _key.Dispose();
        _vendor.Dispose();
    }

    /// <summary>From the vendor's certificate to the root: Apple's portal wants all of them.</summary>
    private static string Chain(X509Certificate2 vendor, string pem)
    {
        var all = new X509Certificate2Collection();
        try
        {
            all.ImportFromPem(pem);
            var chain = new List<X509Certificate2> { vendor };
            while (chain[^1].IssuerName.Name != chain[^1].SubjectName.Name)
            {
                var issuer = all.FirstOrDefault(candidate => candidate.SubjectName.Name == chain[^1].IssuerName.Name);
                if (issuer is null || chain.Count == MostCertificates)
                {
                    throw new PushCertificateException(PushCertificateProblem.NoCertificate,
                        $"The certificate of \"{chain[^1].IssuerName.Name}\" is missing. Apple's portal wants the chain up to the root: add it to the file.");
                }

                chain.Add(issuer);
            }

            return string.Concat(chain.Select(certificate => certificate.ExportCertificatePem() + "\n"));
        }
        catch (CryptographicException e)
        {
            throw new PushCertificateException(PushCertificateProblem.Unreadable, "The file is damaged: a certificate in it cannot be read.", e);
        }
        finally
        {
            foreach (var certificate in all) certificate.Dispose();
        }
    }
}
