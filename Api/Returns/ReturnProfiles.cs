using FleetMdm.Api.Attestation;
using FleetMdm.Api.Automated;
using FleetMdm.Api.Enrolment;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Attestation;
using FleetMdm.Protocol.Identity;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Profiles;
using FleetMdm.Storage.Automated;

namespace FleetMdm.Api.Returns;

/// <summary>Completes an erasure with Return to Service when it leaves for the iPad: how it enrols afterwards.</summary>
/// <remarks>An iPad that Apple sends here by Automated Device Enrolment needs nothing. Every other one gets an enrolment profile whose challenge names its UDID and its serial number, is used
/// once, and ends. It is stored nowhere.</remarks>
public sealed class ReturnProfiles(EnrolmentProfiles profiles, IAutomatedStore automated, AttestationPolicy attestation)
{
    private const string NoPushCertificate = "There is no push certificate: the iPad could not enrol again. It was not erased.";

    /// <returns>The document to answer with, or why there is none.</returns>
    public async Task<(byte[]? Body, string? Problem)> Make(ReturnDelivery delivery)
    {
        if (attestation.Mode == AttestedIdentity.Required && AttestationSupport.WhyNot(delivery.ProductName, delivery.OsVersion, delivery.BuildVersion) is { } why)
            return (null, $"It has to attest and cannot. It was not erased. {why}");
        // Automated Device Enrolment gives no profile without one either.
        if (!await profiles.HasPushCertificate()) return (null, NoPushCertificate);
        byte[]? management = null;
        if (!await IsSentHere(delivery.SerialNumber))
        {
            if (ProvenDevice.Of(delivery.Udid, delivery.SerialNumber) is not { } device)
                return (null, "No enrolment profile can name this UDID and serial number. The iPad was not erased.");
            if (await profiles.ForReturn(delivery.InvitationId, device, delivery.Ends) is not var (profile, authority))
                return (null, NoPushCertificate);
            management = ProfileSigner.Sign(profile.ToBytes(), authority.ProfileSigner, authority.TlsIssuer.Certificate.Der);
        }

        return (delivery.CommandUuid is { } uuid
            ? CommandEnvelope.Compose(uuid, ReturnCommand.Command(delivery.Wifi, management, delivery.BootstrapToken, delivery.PreserveDataPlan))
            : ReturnCommand.Answer(delivery.Wifi, management, delivery.BootstrapToken, delivery.PreserveDataPlan), null);
    }

    /// <summary>Apple has been told that this iPad asks here for its enrolment profile, without a page to sign in on.</summary>
    private async Task<bool> IsSentHere(string serialNumber) =>
        await automated.FindForEnrolment(serialNumber) is { Device.State: AutomatedState.Assigned } found
        && (found.Profile is null || !AutomatedProfileService.DefinitionOf(found.Profile).AsksSignIn);
}
