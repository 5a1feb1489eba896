using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.IPads;

/// <summary>One command that an iPad is running, and the reports that can be made of it.</summary>
internal readonly record struct CommandRun(VirtualIPad IPad, MdmChannel Channel, IncomingCommand Incoming)
{
    /// <summary>The Command dictionary; empty when there is none.</summary>
    public PlistDict Command => Incoming.Command ?? [];

    public IPadReport Acknowledged(params ReadOnlySpan<(string Key, object Value)> answers) => Report("Acknowledged", answers);

    /// <summary>A key that is missing, or of the wrong kind. A real iPad gives no reason.</summary>
    public IPadReport FormatError() => Report("CommandFormatError");

    public IPadReport NotNow() => Report("NotNow");

    public IPadReport Error(AppleError error) => Error([error]);

    /// <param name="answers">Keys beside the error chain.</param>
    public IPadReport Error(IReadOnlyList<AppleError> chain, params ReadOnlySpan<(string Key, object Value)> answers) =>
        Report("Error", [("ErrorChain", AppleErrors.Chain(chain)), .. answers]);

    private IPadReport Report(string status, params ReadOnlySpan<(string Key, object Value)> answers)
    {
        var message = Channel.Message(("CommandUUID", Incoming.CommandUuid), ("Status", status));
        foreach (var (key, value) in answers)
            message.Add(key, value);
        return new IPadReport(status, Incoming.CommandUuid, Incoming.RequestType, PlistWriter.Write(message));
    }
}
