using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.Protocol.Identity;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Enrolment;

/// <summary>CA certificates from the PEM files that an option names.</summary>
internal static class PemCas
{
    /// <exception cref="OptionsValidationException">A file holds no certificate that can be a CA's.</exception>
    public static IReadOnlyList<IdentityCertificate> Load(IEnumerable<string> files, string section, string option)
    {
        var cas = new List<IdentityCertificate>();
        foreach (var file in files)
        {
            var certificates = new X509Certificate2Collection();
            try
            {
                certificates.ImportFromPemFile(file);
                cas.AddRange(certificates.Select(certificate => IdentityCertificate.Parse(certificate.RawData)));
            }
            catch (Exception e) when (e is CryptographicException or IdentityException or IOException)
            {
                throw Fault(file, e.Message);
            }
            if (certificates.Count == 0)
                throw Fault(file, "there is no certificate in it");
        }
        return cas;

        OptionsValidationException Fault(string file, string why) => new(section, typeof(PemCas),
            [$"{section}:{option} names \"{file}\", which cannot be used as PEM certificates: {why}."]);
    }
}

/// <summary>The CAs whose certificates prove which iPad speaks.</summary>
internal static class DeviceCas
{
    public static DeviceCertificates Load(OverTheAirOptions options) =>
        new(PemCas.Load(options.DeviceCaFiles, OverTheAirOptions.Section, nameof(OverTheAirOptions.DeviceCaFiles)));
}
