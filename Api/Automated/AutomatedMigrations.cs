using FleetMdm.Protocol.Automated;
using FleetMdm.Storage.Automated;

namespace FleetMdm.Api.Automated;

/// <summary>iPads that move between device management services without an erase, from iPadOS 26 on (<see href="https://developer.apple.com/documentation/devicemanagement/migrating-managed-devices">Apple,
/// "Migrating managed devices"</see>): how that is named, and what stands in the way. Rules without a store and a clock.</summary>
internal static class AutomatedMigrations
{
    /// <summary>People are told when so many days are left; the last one is urgent.</summary>
    public const int FirstDays = 14, NextDays = 7, LastDays = 1;

    public static readonly IReadOnlyList<(string Name, AutomatedMigration Value, string Words)> All =
    [
        ("comes", AutomatedMigration.Comes, "Comes by migration"),
        ("late", AutomatedMigration.Late, "Did not come by its deadline"),
        ("came", AutomatedMigration.Came, "Came by migration"),
        ("leaves", AutomatedMigration.Leaves, "Enrolled here, assigned elsewhere"),
    ];

    public static string NameOf(AutomatedDeviceRow row, DateTimeOffset now)
    {
        var value = row is { Migration: AutomatedMigration.Comes, Device.Apple.MigrationDeadline: { } deadline } && deadline <= now ? AutomatedMigration.Late : row.Migration;
        return All.FirstOrDefault(one => one.Value == value).Name ?? "none";
    }

    public static string WordsOf(string name) => All.FirstOrDefault(one => one.Name == name).Words ?? name;

    /// <summary>Why an iPad that is to come cannot, or what it would lose on the way. Apple lets an iPad move only by a profile that is assigned to it, and not a Shared iPad; its managed apps stay only where
    /// it waits in Setup Assistant for the new service to ask for them.</summary>
    /// <param name="profile">The one that it should have; null: none.</param>
    /// <returns>A sentence; null: nothing.</returns>
    public static string? Obstacle(AutomatedDevice device, EnrolmentDefinition? profile) => (profile, device.State) switch
    {
        (null, _) => "No enrolment profile is meant for it, and without one it does not move. Choose one.",
        ({ IsShared: true }, _) => "Its enrolment profile makes it a Shared iPad, and such an iPad does not move. Choose another profile, or erase the iPad.",
        (_, AutomatedState.Waiting) => "Apple does not have its enrolment profile yet. The iPad can move when it does.",
        (_, AutomatedState.Failed or AutomatedState.Throttled or AutomatedState.NotAccessible) => "Apple did not assign its enrolment profile, and without it the iPad does not move.",
        ({ AwaitConfigured: false }, _) => "Its enrolment profile does not hold it in Setup Assistant: it loses its managed apps and their data when it moves. Choose one that does.",
        _ => null,
    };
}
