using FleetMdm.Storage.Filters;
using FleetMdm.Storage.Inventory;

namespace FleetMdm.Storage.Operations;

/// <summary>What a command asks of an iPad. Stored as a number: never renumber.</summary>
public enum DeviceRequirementKind : short
{
    Supervision = 1,
    /// <summary>At least the version of <see cref="DeviceRequirement.Value"/>.</summary>
    Since = 2,
    /// <summary>Less than the version of <see cref="DeviceRequirement.Value"/>.</summary>
    Removed = 3,
    AutomatedEnrolment = 4,
    SharedIPad = 5,
    NotSharedIPad = 6,
    NotUserEnrolment = 7,
    DeviceChannel = 8,
    UserChannel = 9,
    /// <summary>The bit of <see cref="DeviceRequirement.Bit"/>.</summary>
    AccessRight = 10,
    LostMode = 11,
    /// <summary>A Shared iPad: at least the version of <see cref="DeviceRequirement.Value"/>.</summary>
    SharedSince = 12,
    /// <summary>The iPad has escrowed a bootstrap token.</summary>
    BootstrapToken = 13,
    /// <summary>The server has the iPad's code for Activation Lock.</summary>
    BypassCode = 14,
}

/// <summary>One thing that must be true of an iPad for a command to work on it. What is not known of an iPad speaks not against it.</summary>
/// <param name="What">What needs it: the command, or a key in it.</param>
/// <param name="Value">The version, or the access right by its name; null: none.</param>
/// <param name="Bit">Of the access right.</param>
public sealed record DeviceRequirement(DeviceRequirementKind Kind, string What, string? Value = null, int Bit = 0)
{
    /// <summary>The item of the security list that tells whether the iPad came by Automated Device Enrolment.</summary>
    public const string AutomatedKey = "ManagementStatus.EnrolledViaDEP";
}

/// <summary>A requirement that iPads of a target do not meet.</summary>
/// <param name="Number">Its bit in <see cref="LeftOutRow.Unmet"/>.</param>
/// <param name="Devices">How many.</param>
public sealed record OperationReason(int Number, DeviceRequirement Requirement, long Devices)
{
    /// <summary>Some of them; empty where nobody asked for examples.</summary>
    public IReadOnlyList<LeftOutRow> Examples { get; init; } = [];
}

/// <summary>An iPad that did not get the command of an operation, or would not get it.</summary>
/// <param name="Unmet">A bit for each <see cref="OperationReason.Number"/>; 0 in an example.</param>
public sealed record LeftOutRow(string EnrolmentId, string? SerialNumber, string? DeviceName, string? OsVersion, long Unmet);

/// <summary>What an operation would do, now.</summary>
/// <param name="Total">Enrolled iPads of the target.</param>
/// <param name="Fits">Those that would get the command.</param>
/// <param name="UnknownIds">Ids that were asked for and are not enrolled; at most 1,000.</param>
public sealed record OperationPlan(long Total, long Fits, IReadOnlyList<OperationReason> Reasons, IReadOnlyList<string> UnknownIds);

/// <summary>Turns requirements into conditions on <c>devices d</c>. Only numbers of ours stand in them.</summary>
internal static class RequirementSql
{
    /// <summary>Bits that a number has.</summary>
    private const int Most = 62;

    /// <summary>Those that can be told apart; no command has more.</summary>
    public static IReadOnlyList<DeviceRequirement> Checked(IReadOnlyList<DeviceRequirement> requirements) => [.. requirements.Take(Most)];

    /// <summary>A number with a bit for each requirement that the iPad does not meet.</summary>
    public static string Unmet(IReadOnlyList<DeviceRequirement> requirements) => requirements.Count == 0
        ? "0"
        : string.Join(" + ", requirements.Select((one, number) => $"CASE WHEN {Fails(one)} THEN {1L << number} ELSE 0 END"));

    /// <summary>True of an iPad that does not meet it; false or unknown of all others.</summary>
    public static string Fails(DeviceRequirement requirement) => requirement.Kind switch
    {
        DeviceRequirementKind.Supervision => "NOT d.is_supervised",
        DeviceRequirementKind.Since when VersionNumber.Of(requirement.Value) is { } from => $"d.os_number < {from}",
        DeviceRequirementKind.Removed when VersionNumber.Of(requirement.Value) is { } from => $"d.os_number >= {from}",
        DeviceRequirementKind.AutomatedEnrolment =>
            $"EXISTS (SELECT 1 FROM inventory_items t WHERE t.device_id = d.device_id AND t.list = {(short)InventoryList.Security} AND t.key = '{DeviceRequirement.AutomatedKey}' AND t.value = 'false')",
        DeviceRequirementKind.SharedIPad => "d.kind <> 3 AND NOT d.is_shared",
        DeviceRequirementKind.NotSharedIPad => "d.kind = 3 OR d.is_shared",
        DeviceRequirementKind.NotUserEnrolment => "d.kind = 2",
        DeviceRequirementKind.DeviceChannel => "d.kind = 3",
        DeviceRequirementKind.UserChannel => "d.kind <> 3 AND d.is_shared",
        DeviceRequirementKind.AccessRight => $"(d.access_rights & {requirement.Bit}) = 0",
        // It will be in lost mode, when what waits before this has run.
        DeviceRequirementKind.LostMode =>
            "NOT d.is_lost AND NOT EXISTS (SELECT 1 FROM queue w WHERE w.enrolment_id = d.id AND w.request_type = 'EnableLostMode')",
        DeviceRequirementKind.SharedSince when VersionNumber.Of(requirement.Value) is { } from => $"(d.is_shared AND d.os_number < {from})",
        DeviceRequirementKind.BootstrapToken => "d.bootstrap_token IS NULL",
        DeviceRequirementKind.BypassCode => "NOT EXISTS (SELECT 1 FROM activation_lock_codes c WHERE c.device_id = d.id)",
        _ => "1 = 0",
    };
}
