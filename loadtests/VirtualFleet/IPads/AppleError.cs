namespace FleetMdm.VirtualFleet.IPads;

/// <summary>One link of the ErrorChain that an iPad reports; the first says what failed, the next ones why.</summary>
/// <param name="Code">Apple's own, and may change with every release; the words are what a person reads.</param>
public sealed record AppleError(string Domain, int Code, string Description);
