namespace FleetMdm.Grains.Interfaces;

/// <summary>What the grains of this very process have left word of, for the API that runs beside them: which iPads have nothing to fetch.</summary>
/// <remarks>A process without grains (the role <c>Api</c>) has none.</remarks>
public interface IIdleDevices
{
    /// <summary>True: the grain would answer this iPad's Idle with nothing, without asking anybody; the poll is noted as a contact. False:
    /// the grain has to be asked.</summary>
    /// <param name="sha256">Of the certificate that the iPad presented.</param>
    bool HasNothing(string enrolmentId, ReadOnlySpan<byte> sha256);
}
