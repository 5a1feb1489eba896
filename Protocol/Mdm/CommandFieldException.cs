namespace FleetMdm.Protocol.Mdm;

/// <summary>A command that an administrator described wrongly. Nothing was built.</summary>
/// <param name="field">Where, as a JSON pointer: <c>/returnToService/enabled</c>, <c>/queries/3</c>; for a property list the
/// same with Apple's keys. Empty for the whole command.</param>
/// <param name="message">What is wrong and what would be right, for the administrator.</param>
public sealed class CommandFieldException(string field, string message) : FormatException(message)
{
    public string Field { get; } = field;

    public CommandFault Fault { get; init; }
}

/// <summary>What kind of mistake a command has.</summary>
public enum CommandFault
{
    /// <summary>A field is missing, unknown or of the wrong kind.</summary>
    Field = 0,
    /// <summary>Apple documents no such RequestType for iPads.</summary>
    UnknownRequestType,
    /// <summary>An iPad would refuse the profile.</summary>
    Profile,
    /// <summary>The profile would end the iPad's enrolment with this server.</summary>
    EndsEnrolment,
}
