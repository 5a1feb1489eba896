using FleetMdm.Protocol.Mdm;

namespace FleetMdm.Protocol.Tests.Mdm;

public sealed class MdmSenderTests
{
    [Fact]
    public void A_device_is_known_by_its_UDID_even_beside_an_EnrollmentID()
    {
        var sender = MdmSender.From("U", "E");
        Assert.Equal(("U", "U", MdmSenderKind.Device), (sender.EnrolmentId, sender.DeviceId, sender.Kind));
        Assert.Equal("E", sender.EnrollmentId);
    }

    [Fact]
    public void A_User_Enrollment_is_known_by_its_EnrollmentID()
    {
        var sender = MdmSender.From("", "E", "", "", "");
        Assert.Equal(("E", "E", MdmSenderKind.UserEnrollment), (sender.EnrolmentId, sender.DeviceId, sender.Kind));
    }

    [Fact]
    public void A_Shared_iPads_user_is_known_by_device_and_short_name()
    {
        var sender = MdmSender.From("U", null, MdmSender.SharedIPadUserId, "mira:v@school.example", "Mira Vogel");
        Assert.Equal(("U:mira:v@school.example", "U", MdmSenderKind.SharedUser), (sender.EnrolmentId, sender.DeviceId, sender.Kind));
    }

    [Fact]
    public void Another_user_channel_is_known_by_device_and_UserID()
    {
        var sender = MdmSender.From("U", null, "501", "mira");
        Assert.Equal("U:501", sender.EnrolmentId);
        Assert.Equal(MdmSenderKind.SharedUser, sender.Kind);
    }

    [Fact]
    public void A_short_name_alone_makes_no_user_channel() =>
        Assert.Equal(MdmSenderKind.Device, MdmSender.From("U", null, null, "mira").Kind);

    [Theory]
    [InlineData(null, null, null, null, MdmReason.MissingKey, "UDID")]
    [InlineData("", "", "501", "mira", MdmReason.MissingKey, "UDID")]
    [InlineData("U", null, MdmSender.SharedIPadUserId, null, MdmReason.MissingKey, "UserShortName")]
    [InlineData(null, "E", "501", "mira", MdmReason.InvalidValue, "UserID")]
    [InlineData("U:1", null, null, null, MdmReason.InvalidValue, "UDID")]
    [InlineData(null, "E:1", null, null, MdmReason.InvalidValue, "EnrollmentID")]
    [InlineData("U\n", null, null, null, MdmReason.InvalidValue, "UDID")]
    [InlineData("U", null, "501\u0085", null, MdmReason.InvalidValue, "UserID")]
    [InlineData("U", null, MdmSender.SharedIPadUserId, "mi\tra", MdmReason.InvalidValue, "UserShortName")]
    public void An_identity_that_is_none_is_refused(string? udid, string? enrollmentId, string? userId, string? userShortName, MdmReason reason, string field)
    {
        var refused = Assert.Throws<MdmFormatException>(() => MdmSender.From(udid, enrollmentId, userId, userShortName));
        Assert.Equal((reason, field), (refused.Reason, refused.Field));
    }

    [Fact]
    public void Identities_have_at_most_255_characters_each_and_together()
    {
        var longest = new string('a', MdmSender.LongestId);
        Assert.Equal(longest, MdmSender.From(longest, null).EnrolmentId);
        Assert.Throws<MdmFormatException>(() => MdmSender.From(longest + "a", null));
        Assert.Throws<MdmFormatException>(() => MdmSender.From(longest, null, "501"));
        Assert.Throws<MdmFormatException>(() => MdmSender.From("U", null, null, null, longest + "a"));
        Assert.Equal(MdmSender.LongestId, MdmSender.From("U", null, new string('a', MdmSender.LongestId - 2)).EnrolmentId.Length);
    }
}
