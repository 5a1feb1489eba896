using System.Security.Cryptography;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Profiles;

/// <summary>
/// Whether an iPad that has just been erased can join the Wi-Fi of a profile by itself. It has nothing but this profile: no person, no certificate of its own, and no value that another one
/// gave it.
/// </summary>
public static class ReturnWifi
{
    public const string PayloadType = "com.apple.wifi.managed";

    private const string Identity = "com.apple.security.pkcs12";

    /// <summary>EAP-TLS.</summary>
    private const int ByCertificate = 13;

    /// <summary>What may stand beside the Wi-Fi: certificates that come with the profile.</summary>
    private static readonly string[] Certificates = ["com.apple.security.root", "com.apple.security.pkcs1", "com.apple.security.pem", Identity];

    /// <summary>Why the iPad could not join, in a sentence for an administrator; null: nothing speaks against it.</summary>
    /// <param name="profile">As the library keeps it.</param>
    public static string? FindFault(byte[] profile)
    {
        PlistDictionary root;
        try
        {
            root = ProfileInspectionFile.Open(profile).Root;
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            return "The profile cannot be read.";
        }

        if (root.ContainsKey("RemovalDate") || root.ContainsKey("DurationUntilRemoval"))
            return "The iPad would remove it by itself (RemovalDate or DurationUntilRemoval), and be without Wi-Fi then. Use a profile that stays.";
        if (ProfileVariables.In(root) is [var variable, ..])
            return $"It has the variable {{{{{variable}}}}}. Use a profile whose Wi-Fi is the same for all iPads: an erased iPad gets it before it enrols.";
        var payloads = (root.GetArray("PayloadContent") ?? []).OfType<PlistDictionary>().ToList();
        if (payloads.FirstOrDefault(one => one.GetString("PayloadType") is var type && type != PayloadType && !Certificates.Contains(type)) is { } other)
            return $"It holds {other.GetString("PayloadType") ?? "a payload without a type"}. Use a profile that holds Wi-Fi and its certificates, and nothing else.";
        var networks = payloads.Where(one => one.GetString("PayloadType") == PayloadType).ToList();
        if (networks.Count == 0) return "It holds no Wi-Fi.";
        // One is enough.
        var faults = networks.Select(network => FaultOf(network, payloads)).ToList();
        return faults.Contains(null) ? null : faults[0];
    }

    private static string? FaultOf(PlistDictionary network, List<PlistDictionary> payloads)
    {
        var name = network.GetString("SSID_STR") is { Length: > 0 } ssid ? $"The network {ssid}" : "The network";
        if (network.GetBoolean("AutoJoin") == false) return $"{name} is not joined automatically. Turn on Auto Join.";
        var needsCertificate = network.GetString("PayloadCertificateUUID") is { Length: > 0 } uuid ? uuid : null;
        var enterprise = network.GetDictionary("EAPClientConfiguration");
        var byCertificate = enterprise?.GetArray("AcceptEAPTypes")?.OfType<PlistInteger>().Any(type => type.Value == ByCertificate) == true;
        if (needsCertificate is not null || byCertificate)
        {
            return payloads.FirstOrDefault(one => one.GetString("PayloadUUID") == needsCertificate && one.GetString("PayloadType") == Identity) is { } identity
                && identity.GetString("Password") is { Length: > 0 }
                ? null
                : $"{name} needs a certificate of the iPad's own, which an erased iPad does not have. Use a network with a password, or put a PKCS #12 certificate with its password into the profile.";
        }

        if (enterprise is not null)
        {
            return enterprise.GetBoolean("OneTimeUserPassword") == true || enterprise.GetString("UserName") is not { Length: > 0 } || enterprise.GetString("UserPassword") is not { Length: > 0 }
                ? $"{name} asks for a user name and a password, and nobody is there to type them. Put both into the profile, or use another network."
                : null;
        }

        // An iPad that is not told takes any.
        var open = network.GetString("EncryptionType") is "None";
        return open || network.GetString("Password") is { Length: > 0 } ? null : $"{name} needs a password, and the profile has none.";
    }
}
