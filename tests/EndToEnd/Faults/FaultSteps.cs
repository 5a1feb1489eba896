using FleetMdm.VirtualFleet.Administration;
using FleetMdm.VirtualFleet.Enrolment;

namespace FleetMdm.EndToEnd.Faults;

/// <summary>What a person does while a server dies and comes again.</summary>
internal static class FaultSteps
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <summary>Until it is answered with success. It may have been done before, or not: the same once more is the same.</summary>
    public static async Task Insist(Func<Task> step, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await step();
                return;
            }
            catch (Exception e) when (e is HttpRequestException or AdminException or EnrolmentException or IOException)
            {
                await Task.Delay(Pause, TimeProvider.System, cancellation);
            }
        }
    }
}
