using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Profiles;

namespace FleetMdm.Api.Invitations;

/// <summary>Access rights of an enrolment by Apple's names, and as the sum that a profile holds.</summary>
internal static class AccessRightNames
{
    /// <summary>For people: what is gone without it.</summary>
    public static IReadOnlyList<(string Name, string Label, string Without)> All { get; } =
    [
        ("AllowInspection", "See profiles", "Nobody sees which profiles are installed, and none can be installed or removed."),
        ("AllowInstallationRemoval", "Install and remove profiles", "No Wi-Fi, restrictions, accounts or certificates from here, and the iPad's own certificate cannot be renewed."),
        ("AllowPasscodeRemovalAndLock", "Lock and clear the passcode", "No lock, no lost mode, and a forgotten passcode means an erase."),
        ("AllowDeviceErase", "Erase", "A lost iPad cannot be erased from here."),
        ("AllowQueryDeviceInformation", "Read details of the iPad", "No name, iPadOS, storage or battery."),
        ("AllowQueryNetworkInformation", "Read network details", "No Wi-Fi and Bluetooth addresses, no phone number."),
        ("AllowProvisioningInspection", "See provisioning profiles", "Nobody sees which in-house apps are allowed to start, and no provisioning profile can be installed or removed."),
        ("AllowProvisioningInstallationRemoval", "Install and remove provisioning profiles", "In-house apps that need one do not start."),
        ("AllowQueryApplications", "See installed apps", "No list of apps."),
        ("AllowQueryRestrictions", "See restrictions", "Nobody sees which restrictions are in force."),
        ("AllowQuerySecurity", "Read security details", "Nobody sees whether a passcode is set and the storage is encrypted."),
        ("AllowSettings", "Change settings", "No name, wallpaper, time zone or roaming from here."),
        ("AllowAppInstallation", "Install and remove apps", "No app can be installed, configured or removed."),
    ];

    /// <summary>Null: everything.</summary>
    public static int? Read(string field, IReadOnlyList<string>? names)
    {
        if (names is null) return null;
        if (names.Count == 0) throw ApiProblem.Field(field, "Name at least one right, or leave the list out for all of them.");
        var sum = default(MdmAccessRights);
        foreach (var (i, name) in names.Index())
        {
            sum |= CommandFitness.Right(name)
                ?? throw ApiProblem.Field($"{field}[{i}]", $"There is no such right. There are {string.Join(", ", CommandFitness.RightNames)}.");
        }

        // iPads refuse a profile with one and without the other.
        if (sum.HasFlag(MdmAccessRights.ChangeProfiles) && !sum.HasFlag(MdmAccessRights.InspectProfiles))
            throw ApiProblem.Field(field, "AllowInstallationRemoval needs AllowInspection.");
        if (sum.HasFlag(MdmAccessRights.ChangeProvisioningProfiles) && !sum.HasFlag(MdmAccessRights.InspectProvisioningProfiles))
            throw ApiProblem.Field(field, "AllowProvisioningInstallationRemoval needs AllowProvisioningInspection.");
        return (int)sum;
    }

    public static IReadOnlyList<string>? Of(int? sum) =>
        sum is { } rights ? [.. CommandFitness.RightNames.Where(name => ((MdmAccessRights)rights).HasFlag(CommandFitness.Right(name)!.Value))] : null;
}
