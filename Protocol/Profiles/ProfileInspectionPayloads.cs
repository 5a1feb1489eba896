using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Push;

namespace FleetMdm.Protocol.Profiles;

/// <summary>
/// What the catalogue cannot say of payloads: how they stand beside each other, what they refer to, whether their certificates can be read, and what
/// keeps somebody out of an iPad. Each rule is a line of a table or a short method; docs/profile-checks.md has them in words.
/// </summary>
internal static class ProfileInspectionPayloads
{
    private const string Wifi = "com.apple.wifi.managed";
    private const string AppLayerVpn = "com.apple.vpn.managed.applayer";
    private const string Restrictions = "com.apple.applicationaccess";
    private const string SettingsApp = "com.apple.Preferences";

    /// <summary>Of AcceptEAPTypes (RFC 5216).</summary>
    private const int EapTls = 13;

    /// <summary>Of maxFailedAttempts: Apple's default.</summary>
    private const long NeverErases = 11;

    /// <summary>What begins a variable of the library: its value is not known here.</summary>
    private const string Variable = "{{";

    private static readonly string[] Certificates = ["com.apple.security.pem", "com.apple.security.pkcs1", "com.apple.security.root"];
    private static readonly string[] Identities = ["com.apple.security.acme", "com.apple.security.pkcs12", "com.apple.security.scep"];

    /// <summary>Keys that hold the PayloadUUID of another payload of the profile, wherever they stand, and whether it must have a private key.</summary>
    private static readonly Dictionary<string, bool> References = new(StringComparer.Ordinal)
    {
        ["PayloadCertificateUUID"] = true,
        ["ResourcePayloadCertificateUUID"] = true,
        ["IdentityCertificateUUID"] = true,
        ["SMIMESigningCertificateUUID"] = true,
        ["SMIMEEncryptionCertificateUUID"] = true,
        ["certificateUUID"] = true,
        ["PayloadCertificateAnchorUUID"] = false,
        ["LeaderPayloadCertificateAnchorUUID"] = false,
        ["MemberPayloadCertificateAnchorUUID"] = false,
        ["ServerURLPinningCertificateUUIDs"] = false,
        ["CheckInURLPinningCertificateUUIDs"] = false,
    };

    /// <summary>Restrictions with which an administrator loses a way to an iPad, or teachers one to a class.</summary>
    private static readonly (string Key, bool When, string Why)[] Restricting =
    [
        ("allowUIConfigurationProfileInstallation", false, "Nobody can install a profile by hand. An iPad that leaves management must be erased before it can enrol with a link again."),
        ("allowHostPairing", false, "Only the computer that supervised the iPad can connect to it. Apple Configurator on another one cannot restore or update it."),
        ("allowEraseContentAndSettings", false, "Nobody can erase the iPad in its settings. When it does not reach this server, a computer must restore it."),
        ("allowPasscodeModification", false, "Nobody can set or change the passcode on the iPad. One that is forgotten can be cleared from here only."),
        ("allowRemoteScreenObservation", false, "Teachers cannot see the screen of this iPad in Classroom."),
        ("allowScreenShot", false, "Nobody can take a picture of the screen, and teachers cannot see it in Classroom."),
        ("forceWiFiToAllowedNetworksOnly", true, "The iPad joins only Wi-Fi networks that came with a profile. Where there is none of them, it does not reach this server."),
        ("forceWiFiWhitelisting", true, "The iPad joins only Wi-Fi networks that came with a profile. Where there is none of them, it does not reach this server."),
    ];

    /// <summary>Types of VPN, and the dictionary that each needs.</summary>
    private static readonly Dictionary<string, string> VpnDictionaries = new(StringComparer.Ordinal)
    {
        ["IKEv2"] = "IKEv2",
        ["L2TP"] = "PPP",
        ["IPSec"] = "IPSec",
        ["VPN"] = "VPN",
        ["AlwaysOn"] = "AlwaysOn",
    };

    public static void Check(IReadOnlyList<PlistDictionary> payloads, ProfileRules rules, ProfileFindings found)
    {
        CheckTwice(payloads, found);
        var byUuid = payloads.Where(payload => payload.GetString("PayloadUUID") is not null).GroupBy(payload => payload.GetString("PayloadUUID")!, StringComparer.OrdinalIgnoreCase)
            .ToDictionary(group => group.Key, group => group.First().GetString("PayloadType") ?? "", StringComparer.OrdinalIgnoreCase);
        var vpns = payloads.Where(payload => payload.GetString("PayloadType") == AppLayerVpn).Select(payload => payload.GetString("VPNUUID"))
            .OfType<string>().ToHashSet(StringComparer.OrdinalIgnoreCase);
        for (var index = 0; index < payloads.Count; index++)
        {
            var (payload, at) = (payloads[index], ProfileInspection.At(index));
            var type = payload.GetString("PayloadType") ?? "";
            CheckReferences(payload, at, type == AppLayerVpn, byUuid, vpns, found);
            CheckType(payload, type, at, payloads, rules, found);
        }
    }

    /// <summary>UUIDs and identifiers that stand twice, and payloads of which only one may stand.</summary>
    private static void CheckTwice(IReadOnlyList<PlistDictionary> payloads, ProfileFindings found)
    {
        var uuids = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        var identifiers = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        var types = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var index = 0; index < payloads.Count; index++)
        {
            var at = ProfileInspection.At(index);
            if (payloads[index].GetString("PayloadUUID") is { } uuid && !uuids.TryAdd(uuid, index))
                found.Object(ProfileCodes.DuplicateUuid, at + ".PayloadUUID", $"{ProfileInspection.At(uuids[uuid])} has the same PayloadUUID. Give each payload its own.");
            if (payloads[index].GetString("PayloadIdentifier") is { } identifier && !identifiers.TryAdd(identifier, index))
                found.Object(ProfileCodes.DuplicateIdentifier, at + ".PayloadIdentifier", $"{ProfileInspection.At(identifiers[identifier])} has the same PayloadIdentifier. Give each payload its own.");
            if (payloads[index].GetString("PayloadType") is { } type && AppleCatalogue.Instance.Payloads.TryGetValue(type, out var known) && !known[0].Multiple && !types.TryAdd(type, index))
                found.Object(ProfileCodes.TwoOfOne, at + ".PayloadType", $"{ProfileInspection.At(types[type])} is {CatalogueTexts.English.Payload(type).Label} ({type}) too. An iPad takes one of them only: put their keys together.");
        }
    }

    private static void CheckReferences(
        PlistDictionary dictionary, string at, bool isAppLayerVpn, Dictionary<string, string> byUuid, HashSet<string> vpns, ProfileFindings found)
    {
        foreach (var (key, value) in dictionary)
        {
            // Most keys refer to nothing: their places need not be written.
            if (value is not (PlistString or PlistArray or PlistDictionary))
                continue;
            var place = $"{at}.{key}";
            if (References.TryGetValue(key, out var needsKey))
            {
                if (value is PlistString one)
                    CheckReference(one.Value, place, needsKey, byUuid, found);
                else if (value is PlistArray several)
                {
                    for (var index = 0; index < several.Count; index++)
                    {
                        if (several[index] is PlistString text)
                            CheckReference(text.Value, string.Create(CultureInfo.InvariantCulture, $"{place}[{index}]"), needsKey, byUuid, found);
                    }
                }
            }
            else if (key == "VPNUUID" && !isAppLayerVpn && value is PlistString vpn && !vpns.Contains(vpn.Value))
            {
                found.Note(ProfileCodes.OtherProfile, place, "No per-app VPN in this profile has this VPNUUID. The iPad must get it with another profile.");
            }
            else if (value is PlistDictionary inside)
            {
                CheckReferences(inside, place, isAppLayerVpn, byUuid, vpns, found);
            }
            else if (value is PlistArray list)
            {
                for (var index = 0; index < list.Count; index++)
                {
                    if (list[index] is PlistDictionary item)
                        CheckReferences(item, string.Create(CultureInfo.InvariantCulture, $"{place}[{index}]"), isAppLayerVpn, byUuid, vpns, found);
                }
            }
        }
    }

    private static void CheckReference(string uuid, string place, bool needsKey, Dictionary<string, string> byUuid, ProfileFindings found)
    {
        if (uuid.Length == 0)
            return;
        if (!byUuid.TryGetValue(uuid, out var type))
        {
            found.Object(ProfileCodes.MissingReference, place, $"No payload of this profile has the PayloadUUID {PlistText.Excerpt(uuid)}. Put the certificate into the same profile.");
        }
        else if (needsKey ? !Identities.Contains(type) : !Certificates.Contains(type))
        {
            found.Warn(ProfileCodes.WrongReference, place, needsKey
                ? $"It names a payload of the type {PlistText.Excerpt(type)}, which has no private key. Name a PKCS #12, SCEP or ACME payload."
                : $"It names a payload of the type {PlistText.Excerpt(type)}. Name a certificate: root, PEM or PKCS #1.");
        }
    }

    private static void CheckType(
        PlistDictionary payload, string type, string at, IReadOnlyList<PlistDictionary> payloads, ProfileRules rules, ProfileFindings found)
    {
        switch (type)
        {
            case Wifi:
                CheckWifi(payload, at, found);
                break;
            case "com.apple.vpn.managed":
                CheckVpn(payload, at, found);
                break;
            case Restrictions:
                CheckRestrictions(payload, at, payloads, found);
                break;
            case "com.apple.webClip.managed":
                CheckWebClip(payload, at, found);
                break;
            case "com.apple.font":
                if (payload.GetData("Font") is { } font && !IsFont(font))
                    found.Warn(ProfileCodes.OddFile, at + ".Font", "This is no TrueType or OpenType font. Collections (.ttc) are not taken.");
                break;
            case "com.apple.app.lock":
                if (payload.GetDictionary("App")?.GetDictionary("Options")?.GetBoolean("DisableTouch") is true)
                    found.Warn(ProfileCodes.LocksOut, at + ".App.Options.DisableTouch", "The screen does not react to fingers. The iPad can be used again only when the profile is removed from here.");
                break;
            case "com.apple.mobiledevice.passwordpolicy":
                if (payload.GetInteger("maxFailedAttempts") is { } attempts and < NeverErases)
                    found.Warn(ProfileCodes.ErasesIPad, at + ".maxFailedAttempts", string.Create(CultureInfo.InvariantCulture, $"The iPad erases itself after {attempts} wrong passcodes: whoever holds it can do that."));
                break;
            case "com.apple.proxy.http.global":
                CheckProxy(payload, at, found);
                break;
            case "com.apple.webcontent-filter":
                if (payload.GetString("FilterType") == "Plugin")
                {
                    Require(payload, "PluginBundleID", at, "of the app that filters", found);
                    Require(payload, "UserDefinedName", at, "that people see", found);
                }

                break;
            case "com.apple.eas.account":
                if (payload.GetData("Certificate") is { } identity)
                    CheckIdentity(identity, payload.GetString("CertificatePassword"), at + ".Certificate", at + ".CertificatePassword", rules, found);
                break;
            case "com.apple.security.pkcs12":
                if (payload.GetData("PayloadContent") is { } pkcs12)
                    CheckIdentity(pkcs12, payload.GetString("Password"), at + ".PayloadContent", at + ".Password", rules, found);
                break;
            case "com.apple.security.root" or "com.apple.security.pkcs1" or "com.apple.security.pem":
                if (payload.GetData("PayloadContent") is { } certificate)
                    CheckCertificate(certificate, at + ".PayloadContent", rules, found);
                break;
        }
    }

    private static void CheckWifi(PlistDictionary payload, string at, ProfileFindings found)
    {
        if (string.IsNullOrEmpty(payload.GetString("SSID_STR")) && payload.GetBoolean("IsHotspot") is not true && payload.GetString("DomainName") is null)
            found.Object(ProfileCodes.MissingKey, at + ".SSID_STR", "SSID_STR is missing: the name of the network.");
        var encryption = payload.GetString("EncryptionType");
        if (payload.GetDictionary("EAPClientConfiguration") is { } eap)
        {
            if (eap.GetArray("AcceptEAPTypes")?.Any(kind => kind is PlistInteger integer && integer.Value == EapTls) is true && payload.GetString("PayloadCertificateUUID") is null)
                found.Warn(ProfileCodes.MissingIdentity, at + ".PayloadCertificateUUID", "EAP-TLS needs a certificate with a private key: name a PKCS #12, SCEP or ACME payload of this profile.");
        }
        else if (encryption is "WEP" or "WPA" or "WPA2" or "WPA3")
        {
            if (payload.GetString("Password") is not { Length: > 0 } password)
                found.Warn(ProfileCodes.MissingPassword, at + ".Password", "There is no password. The iPad asks for it, and does not join by itself.");
            else if (encryption != "WEP" && password.Length is < 8 or > 64 && !password.Contains(Variable, StringComparison.Ordinal))
                found.Warn(ProfileCodes.WrongLength, at + ".Password", "The password of such a network has 8 to 63 characters.");
        }

        if (payload.GetString("ProxyType") == "Manual")
        {
            Require(payload, "ProxyServer", at, "of the proxy", found);
            Require(payload, "ProxyServerPort", at, "of the proxy", found);
        }
    }

    private static void CheckVpn(PlistDictionary payload, string at, ProfileFindings found)
    {
        var type = payload.GetString("VPNType");
        if (type is not null && VpnDictionaries.TryGetValue(type, out var needed) && payload.GetDictionary(needed) is null)
            found.Object(ProfileCodes.MissingKey, $"{at}.{needed}", $"{needed} is missing: a VPN of the type {type} has its settings there.");
        if (type == "AlwaysOn")
            found.Warn(ProfileCodes.MayCutOff, at + ".VPNType", "All traffic of the iPad goes through the VPN, this server's too. When the VPN fails, the iPad is out of reach.");
        if (payload.GetDictionary("IKEv2") is not { } ikev2)
            return;
        if (ikev2.GetString("AuthenticationMethod") == "Certificate" && ikev2.GetString("PayloadCertificateUUID") is null)
            found.Warn(ProfileCodes.MissingIdentity, at + ".IKEv2.PayloadCertificateUUID", "Authentication by certificate needs one with a private key: name a PKCS #12, SCEP or ACME payload of this profile.");
        if (ikev2.GetString("AuthenticationMethod") == "SharedSecret" && string.IsNullOrEmpty(ikev2.GetString("SharedSecret")))
            found.Warn(ProfileCodes.MissingPassword, at + ".IKEv2.SharedSecret", "There is no shared secret. The iPad cannot connect.");
    }

    private static void CheckProxy(PlistDictionary payload, string at, ProfileFindings found)
    {
        found.Warn(ProfileCodes.MayCutOff, at, "Everything that the iPad sends over HTTP goes through the proxy, to this server too. When the proxy fails, the iPad is out of reach.");
        if (payload.GetString("ProxyType") is null or "Manual")
        {
            Require(payload, "ProxyServer", at, "of the proxy", found);
            Require(payload, "ProxyServerPort", at, "of the proxy", found);
        }
    }

    private static void CheckRestrictions(PlistDictionary payload, string at, IReadOnlyList<PlistDictionary> payloads, ProfileFindings found)
    {
        foreach (var (key, when, why) in Restricting)
        {
            if (payload.GetBoolean(key) == when)
            {
                var alone = key.StartsWith("forceWiFi", StringComparison.Ordinal) && !payloads.Any(other => other.GetString("PayloadType") == Wifi)
                    ? " This profile brings no network: one must be on the iPad before."
                    : "";
                found.Warn(ProfileCodes.LocksOut, $"{at}.{key}", why + alone);
            }
        }

        foreach (var key in (ReadOnlySpan<string>)["allowListedAppBundleIDs", "whitelistedAppBundleIDs"])
        {
            if (payload.GetArray(key) is { } allowed && !Names(allowed, SettingsApp))
                found.Warn(ProfileCodes.LocksOut, $"{at}.{key}", $"The app Settings ({SettingsApp}) is not on the list. Nobody can join another Wi-Fi network on the iPad.");
        }

        foreach (var key in (ReadOnlySpan<string>)["blockedAppBundleIDs", "blacklistedAppBundleIDs"])
        {
            if (payload.GetArray(key) is { } blocked && Names(blocked, SettingsApp))
                found.Warn(ProfileCodes.LocksOut, $"{at}.{key}", $"The app Settings ({SettingsApp}) is on the list. Nobody can join another Wi-Fi network on the iPad.");
        }
    }

    private static void CheckWebClip(PlistDictionary payload, string at, ProfileFindings found)
    {
        if (payload.GetString("URL") is { } url)
        {
            if (string.IsNullOrWhiteSpace(url))
                found.Object(ProfileCodes.MissingKey, at + ".URL", "URL is missing: the address that the web clip opens.");
            else if (!url.Contains(Variable, StringComparison.Ordinal) && !(Uri.TryCreate(url, UriKind.Absolute, out var address) && address.Scheme is not "file" and not "javascript"))
                found.Warn(ProfileCodes.OddAddress, at + ".URL", "This is no address that an iPad can open. It begins with https:// as a rule.");
        }

        if (payload.GetData("Icon") is { } icon && !IsPicture(icon))
            found.Warn(ProfileCodes.OddFile, at + ".Icon", "The icon is no PNG or JPEG picture. The iPad shows a white square.");
    }

    private static void CheckCertificate(byte[] bytes, string place, ProfileRules rules, ProfileFindings found)
    {
        try
        {
            using var certificate = X509CertificateLoader.LoadCertificate(bytes);
            CheckDates(certificate, place, rules, found);
        }
        catch (CryptographicException)
        {
            found.Object(ProfileCodes.CertificateUnreadable, place, "This is no certificate: one as DER or PEM is expected.");
        }
    }

    /// <summary>A PKCS #12 file, opened with its password as an iPad does.</summary>
    private static void CheckIdentity(byte[] bytes, string? password, string place, string passwordPlace, ProfileRules rules, ProfileFindings found)
    {
        if (!rules.OpensIdentities || password?.Contains(Variable, StringComparison.Ordinal) is true)
            return;
        try
        {
            var (certificate, key) = PushCertificateFile.ReadPkcs12(bytes, password);
            using (certificate)
            using (key)
                CheckDates(certificate, place, rules, found);
        }
        catch (PushCertificateException e) when (e.Problem is PushCertificateProblem.WrongPassword or PushCertificateProblem.PasswordNeeded)
        {
            found.Object(ProfileCodes.IdentityPassword, passwordPlace, e.Problem == PushCertificateProblem.PasswordNeeded
                ? "The PKCS #12 file is protected by a password. An iPad that is managed cannot ask for it: enter it here."
                : "The password does not open the PKCS #12 file, or the file is damaged.");
        }
        catch (PushCertificateException e)
        {
            found.Object(ProfileCodes.CertificateUnreadable, place, e.Problem switch
            {
                PushCertificateProblem.NoPrivateKey => "The PKCS #12 file has no private key for its certificate. Export both together.",
                PushCertificateProblem.TooMuchWork => e.Message,
                _ => "This is no PKCS #12 file (.p12) with a certificate and its private key.",
            });
        }
    }

    private static void CheckDates(X509Certificate2 certificate, string place, ProfileRules rules, ProfileFindings found)
    {
        if (rules.Now is not { } now)
            return;
        var name = certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false);
        if (certificate.NotAfter.ToUniversalTime() <= now.UtcDateTime)
            found.Warn(ProfileCodes.CertificateExpired, place, string.Create(CultureInfo.InvariantCulture, $"The certificate \"{PlistText.Excerpt(name)}\" ended on {certificate.NotAfter.ToUniversalTime():yyyy-MM-dd}."));
        else if (certificate.NotBefore.ToUniversalTime() > now.UtcDateTime)
            found.Warn(ProfileCodes.CertificateExpired, place, string.Create(CultureInfo.InvariantCulture, $"The certificate \"{PlistText.Excerpt(name)}\" is not valid before {certificate.NotBefore.ToUniversalTime():yyyy-MM-dd}."));
    }

    private static void Require(PlistDictionary payload, string key, string at, string what, ProfileFindings found)
    {
        if (!payload.TryGetValue(key, out var value) || value is PlistString { Value.Length: 0 })
            found.Object(ProfileCodes.MissingKey, $"{at}.{key}", $"{key} is missing: the one {what}.");
    }

    private static bool Names(PlistArray list, string name) => list.Any(item => item is PlistString text && text.Value == name);

    private static bool IsPicture(ReadOnlySpan<byte> bytes) => bytes.StartsWith((ReadOnlySpan<byte>)[0x89, 0x50, 0x4E, 0x47]) || bytes.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]);

    private static bool IsFont(ReadOnlySpan<byte> bytes) => bytes.StartsWith((ReadOnlySpan<byte>)[0, 1, 0, 0]) || bytes.StartsWith("OTTO"u8) || bytes.StartsWith("true"u8);
}
