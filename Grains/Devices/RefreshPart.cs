using System.Text;
using System.Text.Json;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Inventory;

namespace FleetMdm.Grains.Devices;

// When an iPad is asked about itself:
//
//   1. It has a time of the day of its own, by its id: the questions of a fleet are spread over the day and the week.
//   2. When it comes after that time, and nothing else waits for it, it is asked what has not been told since then. It is not woken for it.
//   3. Then the next time is written down, before anything is asked: whatever goes wrong costs one round, and never makes another.

/// <summary>Which questions are due: rules without a store, a clock or a grain.</summary>
internal static class RefreshPart
{
    /// <summary>Whoever has just enrolled has other things to do.</summary>
    private static readonly TimeSpan FirstAfter = TimeSpan.FromHours(1);

    /// <summary>A question that has waited for longer is asked again in its next turn.</summary>
    public static readonly TimeSpan GoodFor = TimeSpan.FromHours(12);

    private static readonly (string RequestType, InventoryList? List, Func<InventoryOptions, int> Hours)[] Questions =
    [
        ("DeviceInformation", null, options => options.DeviceInformationHours),
        ("SecurityInfo", InventoryList.Security, options => options.SecurityInfoHours),
        ("InstalledApplicationList", InventoryList.Apps, options => options.InstalledApplicationListHours),
        ("ProfileList", InventoryList.Profiles, options => options.ProfileListHours),
        ("CertificateList", InventoryList.Certificates, options => options.CertificateListHours),
    ];

    private static readonly Dictionary<string, BuiltCommand> Commands = Questions.ToDictionary(
        question => question.RequestType,
        question => question.RequestType == "CertificateList"
            ? CommandCatalogue.FromPlist("<dict><key>RequestType</key><string>CertificateList</string></dict>"u8.ToArray())
            : CommandCatalogue.FromJson(JsonSerializer.SerializeToElement(new Dictionary<string, string> { ["requestType"] = question.RequestType })));

    /// <summary>The question which profiles are on the iPad.</summary>
    public static BuiltCommand ProfileList => Commands["ProfileList"];

    /// <summary>Asked of an iPad that waits in Setup Assistant.</summary>
    public static BuiltCommand WhatItIs => Commands["DeviceInformation"];

    /// <summary>From when on something is to be asked; null: never.</summary>
    public static DateTimeOffset? DueAt(DeviceRow? row, InventoryOptions options)
    {
        if (row is not { Status: EnrolmentStatus.Enrolled, EnrolledAt: { } enrolled, AwaitingConfiguration: false } || row.Id != row.DeviceId) return null;
        if (!Array.Exists(Questions, question => question.Hours(options) > 0)) return null;
        return row.RefreshAt is { } at && at > enrolled ? at : enrolled + FirstAfter;
    }

    /// <summary>What has not been told since its time, as commands; nothing that waits already.</summary>
    /// <param name="told">When each list was last told.</param>
    /// <param name="waiting">The request types in the queue.</param>
    public static IReadOnlyList<BuiltCommand> Due(
        DeviceRow row, IReadOnlyDictionary<InventoryList, DateTimeOffset> told, IReadOnlyCollection<string> waiting, InventoryOptions options, DateTimeOffset now) =>
        [.. Questions
            .Where(question => question.Hours(options) > 0 && !waiting.Contains(question.RequestType))
            .Where(question => !(ToldAt(row, told, question.List) >= TurnOf(row.Id, question.Hours(options), now)))
            .Select(question => Commands[question.RequestType])];

    /// <summary>When the next turn of any question begins.</summary>
    public static DateTimeOffset Next(string id, InventoryOptions options, DateTimeOffset now) => Questions
        .Select(question => question.Hours(options)).Where(hours => hours > 0)
        .Min(hours => TurnOf(id, hours, now) + TimeSpan.FromHours(hours));

    private static DateTimeOffset? ToldAt(DeviceRow row, IReadOnlyDictionary<InventoryList, DateTimeOffset> told, InventoryList? list) =>
        list is { } known ? told.TryGetValue(known, out var at) ? at : null : row.DetailsAt;

    /// <summary>When the turn began in which this moment lies.</summary>
    private static DateTimeOffset TurnOf(string id, int hours, DateTimeOffset now)
    {
        var (length, moment) = ((long)hours * 3600, now.ToUnixTimeSeconds());
        var begun = moment - Offset(id, length);
        return DateTimeOffset.FromUnixTimeSeconds(moment - (((begun % length) + length) % length));
    }

    /// <summary>The same on every node and in every version, and spread evenly.</summary>
    private static long Offset(string id, long length)
    {
        // FNV-1a.
        var hash = 14695981039346656037UL;
        foreach (var one in Encoding.UTF8.GetBytes(id)) hash = (hash ^ one) * 1099511628211UL;
        return (long)((hash ^ (hash >> 32)) % (ulong)length);
    }
}
