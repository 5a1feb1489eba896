using System.Security.Cryptography.Pkcs;
using FleetMdm.VirtualFleet.Apple;
using FleetMdm.VirtualFleet.Enrolment;
using FleetMdm.VirtualFleet.IPads;
using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.Tests.Apple;

/// <summary>What Apple documents of an iPad that asks for its enrolment profile (MachineInfo), asked of the simulated one.</summary>
public sealed class OutOfTheBoxFacts
{
    [Theory]
    [InlineData("16.7", "20D60", false, false)]
    [InlineData("17.3.1", "21D60", true, false)]
    [InlineData("17.4", "21D60", true, true)]
    [InlineData("26.1", "23D60", true, true)]
    public async Task It_says_what_its_version_says_signed_with_its_certificate(string version, string build, bool canUpdate, bool namesModel)
    {
        await using var fleet = new IPadFleet(new FleetOptions { Trust = new TrustAnchors([]) });
        var ipad = fleet.Add(IPadDescription.Number(1) with { OsVersion = version });

        var cms = new SignedCms();
        cms.Decode(OutOfTheBox.MachineInfo(ipad));

        cms.CheckSignature(verifySignatureOnly: true);
        Assert.Equal(ipad.DeviceCertificate.Certificate.Thumbprint, cms.SignerInfos[0].Certificate!.Thumbprint);
        var info = PlistReader.ReadDict(cms.ContentInfo.Content);
        Assert.Equal((ipad.Udid, ipad.Description.SerialNumber, "iPad13,18", build, "en"), (info["UDID"], info["SERIAL"], info["PRODUCT"], info["VERSION"], info["LANGUAGE"]));
        Assert.Equal((canUpdate, canUpdate, namesModel), (info.ContainsKey("OS_VERSION"), info.ContainsKey("MDM_CAN_REQUEST_SOFTWARE_UPDATE"), info.ContainsKey("SOFTWARE_UPDATE_DEVICE_ID")));
    }
}
