using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>A command as it came: its UUID, and the Command dictionary if there is one.</summary>
internal sealed record IncomingCommand(string CommandUuid, PlistDict? Command)
{
    public string RequestType => Command?.Text("RequestType") ?? "";

    /// <exception cref="PlistException">No property list, or no CommandUUID: an iPad cannot even report on it.</exception>
    public static IncomingCommand Read(byte[] body)
    {
        var plist = PlistReader.ReadDict(body);
        return new IncomingCommand(
            plist.Text("CommandUUID") is { Length: > 0 } uuid ? uuid : throw new PlistException("There is no CommandUUID."),
            plist.Dict("Command"));
    }
}
