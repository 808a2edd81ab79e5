const _ : () = {
    type __Field0 = StudentId;
    const _ : () = {
        crate :: renamed :: __private :: stored_field :: < StudentId > ();
    }
    ;
    type __Field1 = Date;
    const _ : () = {
        crate :: renamed :: __private :: stored_field :: < Date > ();
    }
    ;
    # [derive (crate :: renamed :: __private :: serde :: Serialize , crate :: renamed :: __private :: serde :: Deserialize)] # [serde (crate = "crate :: renamed::__private::serde" , remote = "FeePaid")] # [serde (bound (serialize = "for<'__f> __Field0: crate :: renamed::__private::WrittenField<'__f>,for<'__f> __Field1: crate :: renamed::__private::WrittenField<'__f>,"))] # [serde (bound (deserialize = "__Field0: crate :: renamed::__private::serde::Deserialize<'de>,__Field1: crate :: renamed::__private::serde::Deserialize<'de>,"))] struct __FactosMirror {
        student : StudentId,
        at : Date,
        cents : i64,
    }
    impl crate :: renamed :: __private :: NoSerdeProxy < FeePaid > for __FactosMirror { } # [automatically_derived] impl crate :: renamed :: __private :: SerdePayload for FeePaid {
        type Codec = crate :: Cbor;
        const EQUAL : crate :: renamed :: __private :: Equality < Self > = {
            use crate :: renamed :: __private :: NoEqual as _;
            crate :: renamed :: __private :: Equal :: < Self > :: FUNCTION
        }
        ;
        fn write < __S : crate :: renamed :: __private :: serde :: Serializer > (& self , serializer : __S ,) -> :: core :: result :: Result < __S :: Ok,
        __S :: Error > {
            use crate :: renamed :: __private :: NoSerdeProxy as _;
            __FactosMirror :: serialize (self , serializer)
        }
        fn read < 'de,
        __D : crate :: renamed :: __private :: serde :: Deserializer < 'de >> (variant : :: core :: primitive :: u32 , deserializer : __D ,) -> :: core :: result :: Result < Self,
        __D :: Error > {
            use crate :: renamed :: __private :: NoSerdeProxy as _;
            let _ = variant;
            __FactosMirror :: deserialize (deserializer)
        }
    }
    const __TYPES : & [crate :: renamed :: TypeInfo] = & [crate :: renamed :: TypeInfo :: with_fields (crate :: renamed :: TypeInfo :: with_tag_keys (crate :: renamed :: TypeInfo :: new ("fee.paid" , 1u32 , :: core :: concat ! (:: core :: module_path ! () , "::FeePaid") ,) , & ["student" , "year"]) , "student: StudentId, at: Date, cents: i64")];
    const __KEYS : & [crate :: renamed :: __private :: TagKey] = & [crate :: renamed :: __private :: TagKey :: new ("student" , < < StudentId as crate :: renamed :: TagValue > :: Item as crate :: renamed :: TagItem > :: TYPE , :: core :: concat ! (:: core :: module_path ! () , "::FeePaid")) , crate :: renamed :: __private :: TagKey :: new ("year" , "" , :: core :: concat ! (:: core :: module_path ! () , "::FeePaid"))];
    # [automatically_derived] impl crate :: renamed :: Event for FeePaid {
        const SCHEMA : & 'static crate :: renamed :: Schema = & crate :: renamed :: Schema :: with_keys (crate :: renamed :: Schema :: new (__TYPES) , __KEYS);
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
                    < StudentId as crate :: renamed :: TagValue > :: each (__local_field0 , & mut crate :: renamed :: __private :: TagWriter :: under (& mut __local_tags , "student"));
                    crate :: renamed :: __private :: each (& { use crate :: renamed :: __private :: { ByCoercion as _ , ByValue as _ } ; let __local_function = year_of ; __local_function ((& crate :: renamed :: __private :: TagFunction :: new (& __local_function , __local_field1)) . __tag_argument ()) } , & mut crate :: renamed :: __private :: TagWriter :: under (& mut __local_tags , "year"));
                }
            }
            crate :: renamed :: __private :: TagWriter :: finish (__local_tags , || crate :: renamed :: Event :: event_type (self))
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
mod __FeePaidQuery_cd5dcd53 {
    # [doc = "A query of [`FeePaid`](super::FeePaid) events: those that carry every tag that it was given."] # [derive (:: core :: fmt :: Debug , :: core :: clone :: Clone)] # [must_use = "a query selects nothing until it is asked"] pub (super) struct FeePaidQuery (pub (super) :: std :: vec :: Vec < (& 'static :: core :: primitive :: str , :: std :: string :: String) > ,);
}
crate :: renamed :: __private :: name_the_query_by_event_query ! {
    [] __FeePaidQuery_cd5dcd53 FeePaidQuery FeePaidQuery
}
impl __FeePaidQuery_cd5dcd53 :: FeePaidQuery {
    # [doc = "Narrows the query to events with the tag `student` of this value."] pub fn student (self , __local_value : crate :: renamed :: ArgOf < '_ , StudentId >) -> Self { Self (crate :: renamed :: __private :: tagged (self . 0 , "student" , | __local_f | < < StudentId as crate :: renamed :: TagValue > :: Item as crate :: renamed :: TagItem > :: with_arg (__local_value , __local_f))) } # [doc = "Narrows the query to events with the tag `year` of this value."] pub fn year (self , __local_value : & Date) -> Self { Self (crate :: renamed :: __private :: tagged (self . 0 , "year" , | __local_f | crate :: renamed :: __private :: each (& { use crate :: renamed :: __private :: { ByCoercion as _ , ByValue as _ } ; let __local_function = year_of ; __local_function ((& crate :: renamed :: __private :: TagFunction :: new (& __local_function , __local_value)) . __tag_argument ()) } , __local_f))) } # [doc = "The same tags, of events of any type: see `QueryFor::any_type`."] fn any_type (self) -> crate :: renamed :: QueryFor < FeePaid > {
        crate :: renamed :: QueryFor :: any_type (crate :: renamed :: __private :: query_of :: < FeePaid > (& self . 0 , "FeePaid"))
    }
    # [doc = "The same query, for an event type that includes [`FeePaid`]."] fn widen < __W : crate :: renamed :: Includes < FeePaid >> (self) -> crate :: renamed :: QueryFor < __W > {
        crate :: renamed :: QueryFor :: widen (crate :: renamed :: __private :: query_of :: < FeePaid > (& self . 0 , "FeePaid"))
    }
}
crate :: renamed :: __private :: rename_the_other_method_query ! {
    [] FeePaid,
    # [doc = "Every [`FeePaid`] event, to be narrowed by tags."],
    __FeePaidQuery_cd5dcd53 :: FeePaidQuery
}
# [automatically_derived] impl crate :: renamed :: __private :: Converts < __FeePaidQuery_cd5dcd53 :: FeePaidQuery,
crate :: renamed :: QueryFor < FeePaid >> for crate :: renamed :: __private :: Conversion {
    fn convert (query : __FeePaidQuery_cd5dcd53 :: FeePaidQuery) -> crate :: renamed :: QueryFor < FeePaid > {
        crate :: renamed :: __private :: query_of :: < FeePaid > (& query . 0 , "FeePaid")
    }
}
# [automatically_derived] impl crate :: renamed :: IntoQuery for __FeePaidQuery_cd5dcd53 :: FeePaidQuery {
    fn into_query (self) -> :: core :: result :: Result < crate :: renamed :: Query,
    crate :: renamed :: InvalidQuery > {
        crate :: renamed :: QueryFor :: into_query (crate :: renamed :: __private :: query_of :: < FeePaid > (& self . 0 , "FeePaid"))
    }
}
# [automatically_derived] impl crate :: renamed :: __private :: TypedQuery < FeePaid > for __FeePaidQuery_cd5dcd53 :: FeePaidQuery { } # [automatically_derived] impl < __Q > :: core :: ops :: BitOr < __Q > for __FeePaidQuery_cd5dcd53 :: FeePaidQuery where __Q : crate :: renamed :: __private :: TypedQuery < FeePaid >,
 {
    type Output = crate :: renamed :: QueryFor < FeePaid >;
    fn bitor (self , other : __Q) -> crate :: renamed :: QueryFor < FeePaid > {
        :: core :: ops :: BitOr :: bitor (crate :: renamed :: __private :: query_of :: < FeePaid > (& self . 0 , "FeePaid") , other)
    }
}
