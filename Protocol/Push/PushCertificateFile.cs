using System.Formats.Asn1;
using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Org.BouncyCastle.OpenSsl;
using Org.BouncyCastle.Pkcs;

namespace FleetMdm.Protocol.Push;

/// <summary>Finds the certificate and its key in the files that people have: PEM of several makes, and PKCS#12.</summary>
internal static class PushCertificateFile
{
    /// <summary>How many rounds of password hashing a part of a file may ask for: a hundred times what OpenSSL, Keychain and Windows write. A file with
    /// its three parts then holds a core for less than a second.</summary>
    private const int MostIterations = 200_000;

    /// <summary>How many blocks of a PEM file are looked at.</summary>
    private const int MostBlocks = 32;

    private const string Pbes2Oid = "1.2.840.113549.1.5.13";
    private const string EncryptedKey = "ENCRYPTED PRIVATE KEY";

    private static readonly Pkcs12LoaderLimits Pkcs12Limits = new()
    {
        IndividualKdfIterationLimit = MostIterations,
        MacIterationLimit = MostIterations,
        TotalKdfIterationLimit = 3 * MostIterations,
        MaxCertificates = MostBlocks,
        MaxKeys = MostBlocks,
    };

    public static bool IsPem(ReadOnlySpan<byte> content) => content.IndexOf("-----BEGIN "u8) >= 0;

    /// <summary>The one certificate of a file that has nothing else: as Apple's portal gives it in PEM, or in DER. Null: there is more in it, or none.</summary>
    public static X509Certificate2? FindAlone(ReadOnlySpan<byte> content)
    {
        try
        {
            if (!IsPem(content)) return LooksLikePkcs12(content) ? null : X509CertificateLoader.LoadCertificate(content);
            var text = Encoding.UTF8.GetString(content);
            if (text.Contains("PRIVATE KEY-----", StringComparison.Ordinal)) return null;
            return PemEncoding.TryFind(text, out var fields) && text.AsSpan()[fields.Label].SequenceEqual("CERTIFICATE")
                && !PemEncoding.TryFind(text.AsSpan()[fields.Location.End..], out _)
                ? X509CertificateLoader.LoadCertificate(Convert.FromBase64String(text[fields.Base64Data]))
                : null;
        }
        catch (Exception e) when (e is CryptographicException or FormatException)
        {
            // Whoever reads it in full says what is wrong.
            return null;
        }
    }

    public static (X509Certificate2 Certificate, AsymmetricAlgorithm Key) ReadPem(ReadOnlySpan<byte> content, string? password)
    {
        var text = Encoding.UTF8.GetString(content);
        var certificates = new X509Certificate2Collection();
        AsymmetricAlgorithm? key = null;
        try
        {
            var rest = text.AsSpan();
            for (var block = 0; block < MostBlocks && PemEncoding.TryFind(rest, out var fields); block++)
            {
                var label = rest[fields.Label];
                if (label.SequenceEqual("CERTIFICATE"))
                    certificates.Add(X509CertificateLoader.LoadCertificate(Convert.FromBase64String(rest[fields.Base64Data].ToString())));
                else if (key is null && label.EndsWith("PRIVATE KEY"))
                    key = ReadPemKey(rest[fields.Location], label, password);
                rest = rest[fields.Location.End..];
            }
            // .NET's reader leaves out blocks with headers, as OpenSSL used to write encrypted keys.
            key ??= ReadLegacyKey(text, password);
            if (certificates.Count == 0)
                throw Problem(PushCertificateProblem.NoCertificate,
                    "The file has no certificate. Put the certificate from Apple and the private key into one file.");
            if (key is null)
                throw Problem(PushCertificateProblem.NoPrivateKey,
                    "The file has no private key. Put the certificate from Apple and the private key into one file.");
            return (Choose(certificates, key), key);
        }
        catch (Exception e)
        {
            foreach (var certificate in certificates)
                certificate.Dispose();
            key?.Dispose();
            if (e is CryptographicException or FormatException)
                throw Problem(PushCertificateProblem.Unreadable, "The PEM file is damaged: a certificate or a key in it cannot be read.", e);
            throw;
        }
    }

    public static (X509Certificate2 Certificate, AsymmetricAlgorithm Key) ReadPkcs12(ReadOnlySpan<byte> content, string? password)
    {
        X509Certificate2Collection certificates;
        try
        {
            certificates = X509CertificateLoader.LoadPkcs12Collection(
                content, password, X509KeyStorageFlags.Exportable | EphemeralKeys, Pkcs12Limits);
        }
        catch (Pkcs12LoadLimitExceededException e)
        {
            throw Problem(PushCertificateProblem.TooMuchWork, $"The PKCS#12 file asks for more than {MostIterations} rounds of password hashing, or holds too much. Write it anew with fewer (openssl: -iter 2048).", e);
        }
        catch (CryptographicException e)
        {
            if (OldPkcs12.Read(content, password, MostIterations) is var (old, pkcs8))
            {
                try
                {
                    return (old, ImportKey(pkcs8));
                }
                finally
                {
                    CryptographicOperations.ZeroMemory(pkcs8);
                }
            }

            throw LooksLikePkcs12(content)
                ? PasswordProblem(password, "PKCS#12 file", e)
                : Problem(PushCertificateProblem.Unreadable, "The file is neither PEM nor PKCS#12.", e);
        }

        try
        {
            if (certificates.Count == 0)
                throw Problem(PushCertificateProblem.NoCertificate, "The PKCS#12 file has no certificate.");
            var certificate = certificates.FirstOrDefault(candidate => candidate.HasPrivateKey)
                ?? throw Problem(PushCertificateProblem.NoPrivateKey,
                    "The PKCS#12 file has no private key for its certificate. Export both together.");
            certificates.Remove(certificate);
            var key = (AsymmetricAlgorithm?)certificate.GetRSAPrivateKey() ?? certificate.GetECDsaPrivateKey()
                ?? throw UnsupportedKey();
            using (certificate)
                return (X509CertificateLoader.LoadCertificate(certificate.RawData), key);
        }
        finally
        {
            foreach (var other in certificates)
                other.Dispose();
        }
    }

    /// <summary>A key from PKCS#8.</summary>
    public static AsymmetricAlgorithm ImportKey(ReadOnlySpan<byte> pkcs8)
    {
        try
        {
            var rsa = RSA.Create();
            try
            {
                rsa.ImportPkcs8PrivateKey(pkcs8, out _);
                return rsa;
            }
            catch (CryptographicException)
            {
                rsa.Dispose();
            }
            var ec = ECDsa.Create();
            try
            {
                ec.ImportPkcs8PrivateKey(pkcs8, out _);
                return ec;
            }
            catch
            {
                ec.Dispose();
                throw;
            }
        }
        catch (CryptographicException e)
        {
            throw UnsupportedKey(e);
        }
    }

    /// <summary>macOS has no ephemeral keys, and Windows' TLS cannot use them.</summary>
    private static X509KeyStorageFlags EphemeralKeys =>
        OperatingSystem.IsLinux() ? X509KeyStorageFlags.EphemeralKeySet : X509KeyStorageFlags.DefaultKeySet;

    private static AsymmetricAlgorithm ReadPemKey(ReadOnlySpan<char> pem, ReadOnlySpan<char> label, string? password)
    {
        if (label.SequenceEqual(EncryptedKey))
            return ReadEncryptedKey(pem, password);
        var der = Convert.FromBase64String(pem[PemEncoding.Find(pem).Base64Data].ToString());
        try
        {
            switch (label)
            {
                case "RSA PRIVATE KEY":
                    var rsa = RSA.Create();
                    rsa.ImportRSAPrivateKey(der, out _);
                    return rsa;
                case "EC PRIVATE KEY":
                    var ec = ECDsa.Create();
                    ec.ImportECPrivateKey(der, out _);
                    return ec;
                case "PRIVATE KEY":
                    return ImportKey(der);
                default:
                    throw UnsupportedKey();
            }
        }
        finally
        {
            CryptographicOperations.ZeroMemory(der);
        }
    }

    private static AsymmetricAlgorithm ReadEncryptedKey(ReadOnlySpan<char> pem, string? password)
    {
        var der = Convert.FromBase64String(pem[PemEncoding.Find(pem).Base64Data].ToString());
        if (CountIterations(der) > MostIterations)
            throw Problem(PushCertificateProblem.TooMuchWork, $"The private key asks for more than {MostIterations} rounds of password hashing. Write it anew with fewer (openssl: -iter 2048).");
        if (string.IsNullOrEmpty(password))
            throw PasswordProblem(password, "private key", null);
        Pkcs8PrivateKeyInfo decrypted;
        try
        {
            decrypted = Pkcs8PrivateKeyInfo.DecryptAndDecode(password, der, out _);
        }
        catch (CryptographicException e)
        {
            throw PasswordProblem(password, "private key", e);
        }
        return ImportKey(decrypted.Encode());
    }

    /// <summary>How OpenSSL wrote keys before version 3: headers in the block, and a key derivation of one round.</summary>
    private static AsymmetricAlgorithm? ReadLegacyKey(string text, string? password)
    {
        if (!text.Contains("Proc-Type: 4,ENCRYPTED", StringComparison.Ordinal))
            return null;
        if (string.IsNullOrEmpty(password))
            throw PasswordProblem(password, "private key", null);
        try
        {
            using var reader = new PemReader(new StringReader(text), new GivenPassword(password));
            for (var block = 0; block < MostBlocks && reader.ReadPemObject() is { } found; block++)
            {
                if (found.Type is not ("RSA PRIVATE KEY" or "EC PRIVATE KEY"))
                    continue;
                using var single = new PemReader(new StringReader(WritePem(found)), new GivenPassword(password));
                if (single.ReadObject() is Org.BouncyCastle.Crypto.AsymmetricCipherKeyPair pair)
                    return ImportKey(PrivateKeyInfoFactory.CreatePrivateKeyInfo(pair.Private).GetEncoded());
            }
            return null;
        }
        // Its parsers throw exceptions of many kinds for what is damaged.
        catch (Exception e) when (e is not PushCertificateException)
        {
            throw PasswordProblem(password, "private key", e);
        }
    }

    private static string WritePem(Org.BouncyCastle.Utilities.IO.Pem.PemObject block)
    {
        using var text = new StringWriter();
        using var writer = new Org.BouncyCastle.Utilities.IO.Pem.PemWriter(text);
        writer.WriteObject(block);
        return text.ToString();
    }

    /// <summary>The certificate that the key belongs to: files often carry Apple's intermediate certificates too.</summary>
    private static X509Certificate2 Choose(X509Certificate2Collection certificates, AsymmetricAlgorithm key)
    {
        var publicKey = key.ExportSubjectPublicKeyInfo();
        var chosen = certificates.FirstOrDefault(candidate => candidate.PublicKey.ExportSubjectPublicKeyInfo().AsSpan().SequenceEqual(publicKey))
            ?? throw Problem(PushCertificateProblem.KeyDoesNotMatch,
                "The private key does not belong to the certificate. Upload the key that the signing request was made with.");
        certificates.Remove(chosen);
        foreach (var other in certificates)
            other.Dispose();
        return chosen;
    }

    /// <summary>The iteration count of an EncryptedPrivateKeyInfo (RFC 5208, RFC 8018); 0 when its shape is unknown, which
    /// the decoder will refuse.</summary>
    private static BigInteger CountIterations(byte[] der)
    {
        try
        {
            var algorithm = new AsnReader(der, AsnEncodingRules.BER).ReadSequence().ReadSequence();
            var oid = algorithm.ReadObjectIdentifier();
            var parameters = algorithm.ReadSequence();
            if (oid == Pbes2Oid)
            {
                var derivation = parameters.ReadSequence();
                derivation.ReadObjectIdentifier();
                parameters = derivation.ReadSequence();
            }
            parameters.ReadOctetString();
            return parameters.ReadInteger();
        }
        catch (AsnContentException)
        {
            return BigInteger.Zero;
        }
    }

    /// <summary>PFX ::= SEQUENCE { version INTEGER (3), authSafe ContentInfo, … } (RFC 7292).</summary>
    private static bool LooksLikePkcs12(ReadOnlySpan<byte> content)
    {
        try
        {
            var pfx = new AsnReader(content.ToArray(), AsnEncodingRules.BER).ReadSequence();
            return pfx.TryReadInt32(out var version) && version == 3;
        }
        catch (AsnContentException)
        {
            return false;
        }
    }

    private static PushCertificateException PasswordProblem(string? password, string what, Exception? inner) =>
        string.IsNullOrEmpty(password)
            ? Problem(PushCertificateProblem.PasswordNeeded, $"The {what} is protected by a password: send it along.", inner)
            : Problem(PushCertificateProblem.WrongPassword, $"The password does not open the {what}, or the {what} is damaged.", inner);

    private static PushCertificateException UnsupportedKey(Exception? inner = null) =>
        Problem(PushCertificateProblem.UnsupportedKey, "The private key is neither RSA nor EC.", inner);

    private static PushCertificateException Problem(PushCertificateProblem problem, string message, Exception? inner = null) =>
        new(problem, message, inner);

    private sealed class GivenPassword(string password) : IPasswordFinder
    {
        public char[] GetPassword() => password.ToCharArray();
    }
}
