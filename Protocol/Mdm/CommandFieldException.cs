namespace FleetMdm.Protocol.Mdm;

/// <summary>A command that an administrator described wrongly. Nothing was built.</summary>
/// <param name="field">Where, as a JSON pointer: <c>/returnToService/enabled</c>, <c>/queries/3</c>; for a property list the
/// same with Apple's keys. Empty for the whole command.</param>
/// <param name="message">What is wrong and what would be right, for the administrator.</param>
public sealed class CommandFieldException(string field, string message) : FormatException(message)
{
    public string Field { get; } = field;
}
