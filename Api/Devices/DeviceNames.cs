using FleetMdm.Api.Rest;
using FleetMdm.Storage;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Api.Devices;

/// <summary>iPads as people name them in a form: by serial number, by name, by id; one a line.</summary>
internal static class DeviceNames
{
    public const int Most = 100;

    /// <summary>More than one iPad with a name is looked at, to say so.</summary>
    private const int MostNamesakes = 50;

    private static readonly char[] Between = ['\r', '\n', ',', ';', '\t'];

    /// <summary>Their ids.</summary>
    /// <exception cref="ApiProblem">400, with those that are no enrolled iPad, or several.</exception>
    public static async Task<IReadOnlyList<string>> Find(IFleetQueries fleet, Scope scope, string field, string? typed)
    {
        List<string> names = [.. (typed ?? "").Split(Between, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Distinct(StringComparer.OrdinalIgnoreCase)];
        if (names.Count is 0 or > Most) throw ApiProblem.Field(field, $"Name 1 to {Most} iPads. For more, use a filter or a group.");
        var (ids, none, several) = (new List<string>(), new List<string>(), new List<string>());
        foreach (var name in names)
        {
            var found = await Find(fleet, scope, name);
            if (found.Count == 1) ids.Add(found[0]);
            else (found.Count == 0 ? none : several).Add(Text.Printable(name, 80));
        }

        if (none.Count > 0) throw ApiProblem.Field(field, $"No enrolled iPad has this serial number, name or id: {string.Join(", ", none)}.");
        if (several.Count > 0) throw ApiProblem.Field(field, $"Several iPads are called so, write the serial number: {string.Join(", ", several)}.");
        return [.. ids.Distinct(StringComparer.Ordinal)];
    }

    /// <summary>Those of these ids that are enrolled.</summary>
    public static async Task<IReadOnlyList<DeviceRow>> Rows(IFleetQueries fleet, Scope scope, IEnumerable<string> ids) =>
        [.. (await Task.WhenAll(ids.Select(id => fleet.FindDevice(scope, id)))).OfType<DeviceRow>().Where(row => row.Status is EnrolmentStatus.Authenticated or EnrolmentStatus.Enrolled)];

    private static async Task<IReadOnlyList<string>> Find(IFleetQueries fleet, Scope scope, string name)
    {
        if (Text.EnrolmentId(name) is { } id && await fleet.FindDevice(scope, id) is { Status: EnrolmentStatus.Authenticated or EnrolmentStatus.Enrolled } device) return [device.Id];
        var enrolled = new DeviceFilter { Status = EnrolmentStatus.Enrolled, Kind = EnrolmentKind.Device };
        var bySerial = await fleet.ListDevices(scope, enrolled with { SerialNumber = name.ToUpperInvariant() }, null, 2);
        if (bySerial.Count > 0) return [.. bySerial.Select(row => row.Id)];
        var byName = await fleet.ListDevices(scope, enrolled with { Query = Text.Optional("name", name) }, null, MostNamesakes);
        return [.. byName.Where(row => string.Equals(row.DeviceName, name, StringComparison.OrdinalIgnoreCase)).Select(row => row.Id)];
    }
}
