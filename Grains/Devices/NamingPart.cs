using FleetMdm.Protocol.Plist;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Placeholders;

namespace FleetMdm.Grains.Devices;

/// <summary>What an iPad is called, and whose it is, when it enrols: rules without a store, a clock or a grain.</summary>
internal static class NamingPart
{
    /// <summary>What an iPad calls itself when nobody has given it a name: as new, or erased.</summary>
    public const string Nameless = "iPad";

    public const string Settings = "Settings";

    /// <summary>What was known of the iPad before it enrolled. What the placeholder does not say stays as it is.</summary>
    /// <param name="before">What an iPad was called that was erased and comes back; null: it does not, or nobody knows.</param>
    /// <param name="now">Who signed in on it long ago and did not finish does not count.</param>
    public static DeviceRow Enrol(DeviceRow row, Placeholder? placeholder, DateTimeOffset now, string? before = null) => row with
    {
        DeviceName = NameToSet(placeholder, before) ?? row.DeviceName,
        // That of who signed in comes last: an iPad does not change its school by that.
        School = placeholder?.School ?? row.School ?? (placeholder is { PersonBy: PersonBy.SignIn } meant && !Placeholder.IsOver(meant.PersonBy, meant.PersonAt, now) ? meant.PersonSchool : null),
    };

    /// <summary>The name that the iPad is given; null: it keeps its own.</summary>
    public static string? NameToSet(Placeholder? placeholder, string? before) => placeholder?.Name ?? (before == Nameless ? null : before);

    /// <summary>A name that says nothing does not take the place of one that a person gave.</summary>
    public static string? NameOf(DeviceRow row, string? reported) =>
        reported is null || (reported == Nameless && row.DeviceName is not null) ? row.DeviceName : reported;

    /// <summary>The command that gives the iPad its name. One that is not supervised answers with an error.</summary>
    public static byte[] NameCommand(string name) => PlistWriter.ToFragment(new PlistDictionary
    {
        ["RequestType"] = Settings,
        ["Settings"] = new PlistArray([new PlistDictionary { ["Item"] = "DeviceName", ["DeviceName"] = name }]),
    });
}
