const _ : () = {
    # [derive (crate :: renamed :: __private :: serde :: Serialize , crate :: renamed :: __private :: serde :: Deserialize)] # [serde (crate = "crate :: renamed::__private::serde" , remote = "FeePaid")] struct __FactosMirror {
        student : StudentId,
        at : Date,
        cents : i64,
    }
    impl crate :: renamed :: __private :: NoMirror < FeePaid > for __FactosMirror { } # [automatically_derived] impl crate :: renamed :: __private :: Mirrored for FeePaid {
        type Codec = crate :: Cbor;
        fn write < __S : crate :: renamed :: __private :: serde :: Serializer > (& self , serializer : __S ,) -> :: core :: result :: Result < __S :: Ok,
        __S :: Error > {
            use crate :: renamed :: __private :: NoMirror as _;
            __FactosMirror :: serialize (self , serializer)
        }
        fn read < 'de,
        __D : crate :: renamed :: __private :: serde :: Deserializer < 'de >> (variant : :: core :: primitive :: u32 , deserializer : __D ,) -> :: core :: result :: Result < Self,
        __D :: Error > {
            use crate :: renamed :: __private :: NoMirror as _;
            let _ = variant;
            __FactosMirror :: deserialize (deserializer)
        }
    }
    const __TYPES : & [crate :: renamed :: TypeInfo] = & [crate :: renamed :: TypeInfo :: new ("fee.paid" , 1u32 , :: core :: concat ! (:: core :: module_path ! () , "::FeePaid") ,) . with_tag_keys (& ["student" , "year"]) . with_fields ("student: StudentId, at: Date, cents: i64")];
    # [automatically_derived] impl crate :: renamed :: Event for FeePaid {
        const SCHEMA : & 'static crate :: renamed :: Schema = & crate :: renamed :: Schema :: new (__TYPES);
        fn event_type (& self) -> crate :: renamed :: EventType {
            crate :: renamed :: __private :: event_type (match self { Self { .. } => "fee.paid" , })
        }
        fn version (& self) -> :: core :: primitive :: u32 {
            match self {
                Self { .. } => 1u32,
            }
        }
        fn tags (& self) -> :: core :: result :: Result < crate :: renamed :: Tags,
        crate :: renamed :: EncodeError > {
            let mut __local_tags = crate :: renamed :: __private :: TagWriter :: new ();
            match self {
                Self {
                    student : __local_field0,
                    at : __local_field1,
                    ..
                }
                => {
                    < StudentId as crate :: renamed :: TagValue > :: each (__local_field0 , & mut __local_tags . under ("student"));
                    crate :: renamed :: __private :: each (& year_of (__local_field1) , & mut __local_tags . under ("year"));
                }
            }
            __local_tags . finish (|| crate :: renamed :: Event :: event_type (self))
        }
        fn encode (& self) -> :: core :: result :: Result < crate :: renamed :: Bytes,
        crate :: renamed :: EncodeError > {
            crate :: renamed :: __private :: encode :: < Self > (0 , self)
        }
        fn decode (__local_event_type : & crate :: renamed :: EventType , __local_version : :: core :: primitive :: u32 , __local_payload : & [:: core :: primitive :: u8] ,) -> :: core :: result :: Result < Self,
        crate :: renamed :: Undecodable > {
            let (__local_variant , __local_since , __local_known) = match crate :: renamed :: EventType :: as_str (__local_event_type) {
                "fee.paid" => (0u32 , 1u32 , 1u32),
                _ => return :: core :: result :: Result :: Err (crate :: renamed :: Undecodable :: UnknownType),
            }
            ;
            crate :: renamed :: __private :: decode :: < FeePaid > (__local_variant , __local_since , __local_known , __local_version , __local_payload ,)
        }
        fn codec (__local_event_type : & crate :: renamed :: EventType) -> & 'static :: core :: primitive :: str {
            crate :: renamed :: __private :: codec :: < Self > ()
        }
    }
}
;
# [doc = "A query of [`FeePaid`] events: those that carry every tag that it was given."] # [derive (:: core :: fmt :: Debug , :: core :: clone :: Clone)] # [must_use = "a query selects nothing until it is asked"] struct FeePaidQuery (crate :: renamed :: __private :: Item);
# [automatically_derived] impl FeePaidQuery {
    # [doc = "Narrows the query to events with the tag `student` of this value."] pub fn student (self , __local_value : crate :: renamed :: ArgOf < '_ , StudentId >) -> Self { Self (self . 0 . tagged ("student" , | __local_f | < < StudentId as crate :: renamed :: TagValue > :: Item as crate :: renamed :: TagItem > :: with_arg (__local_value , __local_f))) } # [doc = "Narrows the query to events with the tag `year` of this value."] pub fn year (self , __local_value : & Date) -> Self { Self (self . 0 . tagged ("year" , | __local_f | crate :: renamed :: __private :: each (& year_of (__local_value) , __local_f))) } # [doc = "The same query, for an event type that includes [`FeePaid`]."] fn widen < __W : crate :: renamed :: Includes < FeePaid >> (self) -> crate :: renamed :: QueryFor < __W > {
        let query : crate :: renamed :: QueryFor < FeePaid > = self . 0 . finish ();
        query . widen ()
    }
}
# [automatically_derived] impl FeePaid {
    # [doc = "Every [`FeePaid`] event, to be narrowed by tags."] const fn query () -> FeePaidQuery { FeePaidQuery (crate :: renamed :: __private :: Item :: new ("FeePaid")) }
}
# [automatically_derived] impl :: core :: convert :: From < FeePaidQuery > for crate :: renamed :: QueryFor < FeePaid > {
    fn from (query : FeePaidQuery) -> Self {
        query . 0 . finish ()
    }
}
# [automatically_derived] impl < __Q > :: core :: ops :: BitOr < __Q > for FeePaidQuery where __Q : :: core :: convert :: Into < crate :: renamed :: QueryFor < FeePaid >>,
 {
    type Output = crate :: renamed :: QueryFor < FeePaid >;
    fn bitor (self , other : __Q) -> crate :: renamed :: QueryFor < FeePaid > {
        let query : crate :: renamed :: QueryFor < FeePaid > = self . 0 . finish ();
        :: core :: ops :: BitOr :: bitor (query , other)
    }
}
