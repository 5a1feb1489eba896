namespace FleetMdm.Storage.Assignments;

/// <summary>What was read is not so any more: whoever writes reads anew.</summary>
internal sealed class ChangedInBetweenException() : WorkRefusedException("The standing was changed in between.");
