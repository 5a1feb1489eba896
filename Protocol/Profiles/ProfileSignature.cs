using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;

namespace FleetMdm.Protocol.Profiles;

/// <summary>Who signed a profile. iPads decide for themselves whom they believe; this is for the administrator.</summary>
/// <param name="Signer">The name in the signer's certificate; null: the certificate is not in the file.</param>
/// <param name="IsIntact">The signature fits the content.</param>
/// <param name="IsKnown">This server knows the signer, or who issued its certificate.</param>
/// <param name="ExpiresAt">When the signer's certificate ends.</param>
public sealed record ProfileSignature(string? Signer, bool IsIntact, bool IsKnown, DateTimeOffset? ExpiresAt)
{
    internal static ProfileSignature Of(SignedCms cms, ProfileRules rules, ProfileFindings found)
    {
        var signature = Read(cms, rules);
        if (!signature.IsIntact)
        {
            found.Object(ProfileCodes.SignatureBroken, "", cms.SignerInfos.Count == 0
                ? "The file has the form of a signed profile, but nobody signed it."
                : "The signature does not fit the profile: it was changed after it was signed, or it is signed in a way that cannot be checked here. iPads refuse it.");
        }
        else if (!signature.IsKnown)
        {
            found.Note(ProfileCodes.SignerUnknown, "",
                $"It is signed by {signature.Signer}, which this server does not know. It is installed as it is. iPads decide for themselves whether they show it as verified.");
        }

        if (rules.Now is { } now && signature.ExpiresAt is { } end && end <= now)
            found.Warn(ProfileCodes.SignerExpired, "", string.Create(CultureInfo.InvariantCulture, $"The certificate of {signature.Signer}, who signed it, ended on {end:yyyy-MM-dd}. iPads show the profile as not verified."));
        return signature;
    }

    private static ProfileSignature Read(SignedCms cms, ProfileRules rules)
    {
        X509Certificate2Collection certificates = [];
        try
        {
            certificates = cms.Certificates;
            var signer = cms.SignerInfos.Count > 0 ? cms.SignerInfos[0].Certificate : null;
            return new ProfileSignature(
                signer?.GetNameInfo(X509NameType.SimpleName, forIssuer: false), IsIntactCms(cms), signer is not null && IsKnownSigner(signer, certificates, rules),
                signer is null ? null : new DateTimeOffset(signer.NotAfter.ToUniversalTime(), TimeSpan.Zero));
        }
        catch (CryptographicException)
        {
            return new ProfileSignature(null, false, false, null);
        }
        finally
        {
            foreach (var certificate in certificates)
                certificate.Dispose();
        }
    }

    private static bool IsIntactCms(SignedCms cms)
    {
        try
        {
            cms.CheckSignature(verifySignatureOnly: true);
            return true;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    private static bool IsKnownSigner(X509Certificate2 signer, X509Certificate2Collection certificates, ProfileRules rules)
    {
        if (rules.KnownIssuers.Any(known => known.Span.SequenceEqual(signer.RawDataMemory.Span)))
            return true;
        if (rules.KnownIssuers.Count == 0)
            return false;
        using var chain = new X509Chain();
        var roots = new X509Certificate2Collection(rules.KnownIssuers.Select(known => X509CertificateLoader.LoadCertificate(known.Span)).ToArray());
        try
        {
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.CustomTrustStore.AddRange(roots);
            chain.ChainPolicy.ExtraStore.AddRange(certificates);
            chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            chain.ChainPolicy.DisableCertificateDownloads = true;
            // That a certificate ended is told apart from who issued it.
            chain.ChainPolicy.VerificationFlags = X509VerificationFlags.IgnoreNotTimeValid;
            return chain.Build(signer);
        }
        finally
        {
            foreach (var element in chain.ChainElements)
                element.Certificate.Dispose();
            foreach (var root in roots)
                root.Dispose();
        }
    }
}
