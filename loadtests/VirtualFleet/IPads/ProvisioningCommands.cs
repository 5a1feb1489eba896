using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>Permission for in-house apps to start.</summary>
internal sealed record ProvisioningProfile(string Uuid, string Name, DateTimeOffset ExpiryDate);

internal static class ProvisioningCommands
{
    /// <summary>The same UUID is the same profile: a second one changes nothing.</summary>
    public static IPadReport Install(CommandRun run)
    {
        if (run.Command.Data("ProvisioningProfile") is not { } bytes)
            return run.FormatError();
        if (Read(bytes) is not { } profile)
            return run.Error(AppleErrors.BadProvisioning);
        run.IPad.State.Provisioning[profile.Uuid] = profile;
        return run.Acknowledged();
    }

    public static IPadReport Remove(CommandRun run)
    {
        if (run.Command.Text("UUID") is not { Length: > 0 } uuid)
            return run.FormatError();
        return run.IPad.State.Provisioning.Remove(uuid) ? run.Acknowledged() : run.Error(AppleErrors.NotManagedProvisioning(uuid));
    }

    public static IPadReport Installed(CommandRun run) => run.Acknowledged(("ProvisioningProfileList",
        run.IPad.State.Provisioning.Values.Select(profile => (object)new PlistDict
        {
            ["Name"] = profile.Name,
            ["UUID"] = profile.Uuid,
            ["ExpiryDate"] = profile.ExpiryDate,
        }).ToList()));

    /// <summary>A property list in a CMS signature, as Apple's portal makes it. Its signature is not checked: Apple's certificates are not at hand.</summary>
    private static ProvisioningProfile? Read(byte[] bytes)
    {
        try
        {
            var cms = new SignedCms();
            cms.Decode(bytes);
            var content = PlistReader.ReadDict(cms.ContentInfo.Content);
            return content.Text("UUID") is { Length: > 0 } uuid && content.GetValueOrDefault("ExpirationDate") is DateTimeOffset expiry
                ? new ProvisioningProfile(uuid, content.Text("Name") ?? uuid, expiry)
                : null;
        }
        catch (Exception e) when (e is CryptographicException or PlistException)
        {
            return null;
        }
    }
}
