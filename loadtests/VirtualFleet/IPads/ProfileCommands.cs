using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using FleetMdm.VirtualFleet.Enrolment;
using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>Profiles, and what they bring: certificates and restrictions.</summary>
internal static class ProfileCommands
{
    // 1. Read it, decrypt it. 2. The management profile renews the management. 3. What this iPad refuses. 4. The same PayloadIdentifier is the same
    // profile: it is replaced.
    public static async Task<IPadReport> InstallAsync(CommandRun run, CancellationToken cancellation)
    {
        var (ipad, channel) = (run.IPad, run.Channel);
        if (run.Command.Data("Payload") is not { } payload)
            return run.FormatError();
        try
        {
            if (Read(payload, ipad) is not { } profile)
                return run.Error(AppleErrors.Encrypted);
            if (profile.Has(PayloadRules.Management))
            {
                if (channel.UserShortName is not null || profile.Profile.Identifier != ipad.Profile?.Identifier)
                    return run.Error(AppleErrors.OtherManagement);
                await ipad.RenewAsync(channel, profile.Profile, cancellation);
                return run.Acknowledged();
            }
            lock (ipad.StateLock)
            {
                if (Refusal(profile, channel, ipad) is { } refusal)
                    return run.Error([AppleErrors.NotInstalled(profile.Profile.DisplayName ?? profile.Profile.Identifier), refusal]);
                channel.Profiles[profile.Profile.Identifier] = profile;
            }
            return run.Acknowledged();
        }
        catch (EnrolmentException e)
        {
            return run.Error(AppleErrors.Malformed(e.Message));
        }
    }

    /// <summary>Null: it is encrypted, and not for this iPad.</summary>
    /// <exception cref="EnrolmentException">It is no profile.</exception>
    private static InstalledProfile? Read(byte[] bytes, VirtualIPad ipad)
    {
        var profile = ConfigurationProfile.Read(bytes);
        if (profile.Content.Data("EncryptedPayloadContent") is not { } encrypted)
            return new InstalledProfile(profile, Managed: true);
        if (ipad.Identity is not { } identity)
            return null;
        try
        {
            var envelope = new EnvelopedCms();
            envelope.Decode(encrypted);
            envelope.Decrypt([identity.Certificate]);
            return new InstalledProfile(profile.WithPayloads(PlistReader.Read(envelope.ContentInfo.Content) as List<object> ?? []), Managed: true, Encrypted: true);
        }
        catch (Exception e) when (e is CryptographicException or PlistException)
        {
            return null;
        }
    }

    /// <summary>What speaks against a profile. The management of an iPad that is not supervised is refused more.</summary>
    private static AppleError? Refusal(InstalledProfile profile, MdmChannel channel, VirtualIPad ipad)
    {
        if (profile.Profile.Content.GetValueOrDefault("RemovalDate") is DateTimeOffset removal && removal <= ipad.Fleet.Options.Time.GetUtcNow())
            return AppleErrors.PastRemovalDate;
        foreach (var type in profile.PayloadTypes)
        {
            if (!ipad.Description.Supervised && PayloadRules.Supervised.Contains(type))
                return AppleErrors.NotSupervised(type);
            if (ipad.Description.Shared && PayloadRules.NotOnShared.Contains(type))
                return AppleErrors.NotOnShared(type);
            if (PayloadRules.Once.TryGetValue(type, out var code)
                && channel.Installed.Any(other => other.Profile.Identifier != profile.Profile.Identifier && other.Has(type)))
                return AppleErrors.SecondPayload(code, type);
        }
        try
        {
            foreach (var (certificate, _) in profile.Certificates())
                certificate.Dispose();
        }
        catch (EnrolmentException e)
        {
            return AppleErrors.BadCertificate(e.Message);
        }
        catch (CryptographicException)
        {
            return AppleErrors.BadIdentity;
        }
        return profile.Of(EducationRules.PayloadType).Select(payload => EducationRules.Fault(payload, profile)).FirstOrDefault(fault => fault is not null) is { } fault
            ? AppleErrors.Malformed(fault)
            : null;
    }

    public static IPadReport Remove(CommandRun run)
    {
        var (ipad, channel) = (run.IPad, run.Channel);
        if (run.Command.Text("Identifier") is not { Length: > 0 } identifier)
            return run.FormatError();
        if (channel.UserShortName is null && identifier == ipad.Profile?.Identifier)
            return run.Acknowledged() with { Afterwards = ipad.RemoveManagementAsync };
        if (channel.Installed.FirstOrDefault(profile => profile.Profile.Identifier == identifier) is not { } installed)
            return run.Error(AppleErrors.NoProfile(identifier));
        if (!installed.Managed)
            return run.Error(AppleErrors.NotManagedProfile(identifier));
        channel.Profiles.Remove(identifier);
        return run.Acknowledged();
    }

    public static IPadReport Profiles(CommandRun run)
    {
        var profiles = run.Channel.Installed.Where(profile => profile.Managed || run.Command.Flag("ManagedOnly") != true)
            .Select(profile => (object)profile.Entry()).ToList();
        if (run.Channel.UserShortName is null && run.IPad.Profile is { } enrolment)
            profiles.Insert(0, InstalledProfile.Entry(enrolment));
        return run.Acknowledged(("ProfileList", profiles));
    }

    public static IPadReport Certificates(CommandRun run)
    {
        var profiles = run.Channel.Installed.Where(profile => profile.Managed || run.Command.Flag("ManagedOnly") != true).ToList();
        var certificates = new List<object>();
        if (run.IPad.Identity is { } identity)
            certificates.Add(Entry(identity.Certificate, isIdentity: true));
        certificates.AddRange((run.IPad.Profile?.Roots ?? []).Select(root => Entry(root, isIdentity: false)));
        foreach (var (certificate, isIdentity) in profiles.SelectMany(profile => profile.Certificates()))
        {
            using (certificate)
                certificates.Add(Entry(certificate, isIdentity));
        }
        return run.Acknowledged(("CertificateList", certificates));
    }

    private static PlistDict Entry(X509Certificate2 certificate, bool isIdentity) => new()
    {
        ["CommonName"] = certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false),
        ["Data"] = certificate.RawData,
        ["IsIdentity"] = isIdentity,
    };

    public static IPadReport Restrictions(CommandRun run)
    {
        var supervised = run.IPad.Description.Supervised;
        var all = run.Channel.Installed;
        var global = ("GlobalRestrictions", (object)RestrictionSet.Of(all, supervised).ToPlist());
        if (run.Command.Flag("ProfileRestrictions") != true)
            return run.Acknowledged(global);
        var each = new PlistDict();
        foreach (var profile in all)
        {
            if (RestrictionSet.Of([profile], supervised) is { IsEmpty: false } restrictions)
                each[profile.Profile.Identifier] = restrictions.ToPlist();
        }
        return run.Acknowledged(global, ("ProfileRestrictions", each));
    }
}
